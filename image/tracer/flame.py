"""A flame graph as SVG: each box is a function, as wide as the share of samples in which it or what it called was running; whoever
called it lies below. Pointing at a box tells its share."""
import html
import zlib

WIDTH, ROW, LEFT, TOP = 1200, 17, 10, 40
SMALLEST = 1.0  # pixels: narrower boxes are left out
CHARACTER = 6.6  # pixels


class Box:
    def __init__(self):
        self.count = 0
        self.above = {}


def tree(counts):
    root = Box()
    for stack, count in counts.items():
        root.count += count
        box = root
        for name in stack:
            box = box.above.setdefault(name, Box())
            box.count += count
    return root


def depth(box):
    return 1 + max((depth(each) for each in box.above.values()), default=0)


def colour(name):
    """The kernel in blue, the rest in warm colours; a name has the same one in every picture."""
    value = zlib.crc32(name.encode())
    if name.endswith("_[k]"):
        return f"rgb({90 + value % 40},{140 + value // 40 % 50},{200 + value // 2000 % 50})"
    return f"rgb({215 + value % 40},{100 + value // 40 % 110},{50 + value // 4400 % 40})"


def boxes(box, name, left, level, scale, total, height):
    width = box.count * scale
    if width < SMALLEST:
        return
    shown = name.removesuffix("_[k]")
    room = int(width / CHARACTER) - 1
    label = shown if len(shown) <= room else shown[:room - 2] + ".." if room > 4 else ""
    y = height - (level + 1) * ROW - 10
    title = f"{shown}{' (kernel)' if shown != name else ''}: {box.count} of {total} samples, {100 * box.count / total:.1f} %"
    yield (f'<g><title>{html.escape(title)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" rx="1" '
           f'fill="{colour(name)}"/><text x="{left + 3:.1f}" y="{y + 12}">{html.escape(label)}</text></g>')
    for above, each in sorted(box.above.items()):
        yield from boxes(each, above, left, level + 1, scale, total, height)
        left += each.count * scale


def draw(counts, title):
    root = tree(counts)
    height = TOP + depth(root) * ROW + 20
    scale = (WIDTH - 2 * LEFT) / max(root.count, 1)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fffdf5"/>',
        f'<text x="{WIDTH // 2}" y="24" font-size="16" text-anchor="middle">{html.escape(title)}</text>',
        *boxes(root, "all", LEFT, 0, scale, root.count, height), "</svg>", ""])
