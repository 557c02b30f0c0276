"""Samples as folded stacks: one line "process;outermost;...;innermost COUNT" for each stack that was seen, as flame graphs are made
of. Addresses become names by the symbol tables of the build."""
import bisect
import collections
import pathlib
import re
import struct

SYMTAB, STT_FUNC = 2, 2


def functions(path):
    """(addresses, sizes, names) of an ELF file's functions, by address."""
    data = path.read_bytes()
    section_at, = struct.unpack_from("<Q", data, 40)
    entry_size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_at + i * entry_size) for i in range(count)]
    found = {}
    for _, kind, _, _, offset, size, link, _, _, _ in sections:
        if kind != SYMTAB:
            continue
        strings = sections[link][4]
        for name, info, _, section, value, length in struct.iter_unpack("<IBBHQQ", data[offset:offset + size]):
            # Assembly gives its labels no type: they count where they lie in a section and are no file's or section's name.
            if section and info & 15 in (0, STT_FUNC) and name:
                text = data[strings + name:data.index(b"\0", strings + name)].decode()
                if "." not in text and (value not in found or info & 15 == STT_FUNC):
                    found[value] = (length, text)
    addresses = sorted(found)
    return addresses, [found[each][0] for each in addresses], [found[each][1] for each in addresses]


class Symbols:
    """Names of code addresses: the kernel's, and those of programs and servers."""

    def __init__(self, root, trace):
        self.trace = trace
        self.build = root / "build"
        self.tables = {}
        manifest = (root / "image/manifest").read_text()
        self.roles = dict(re.findall(r"^role (\S+)\n(?: .*\n)*? +program \S*/(\S+)", manifest, re.MULTILINE))

    def table(self, path):
        if path not in self.tables:
            self.tables[path] = functions(path)
        return self.tables[path]

    def file(self, process):
        name = re.sub(r"\[\d+\]$", "", self.trace.names.get(process, ""))
        name = self.roles.get(name, name)
        places = [self.build / "programs" / name, self.build / "servers" / name / name, *self.build.glob(f"drivers/**/{name}/{name}")]
        return next((path for path in places if name and path.is_file()), None)

    def name(self, path, offset):
        if path is None:
            return "?"
        addresses, _, names = self.table(path)
        at = bisect.bisect_right(addresses, offset) - 1
        return names[at] if at >= 0 else "?"

    def user(self, process, address):
        return self.name(self.file(process), address - self.trace.bases.get(process, 0))

    def kernel(self, offset):
        return self.name(self.build / "kernel/kernel", offset)


def fold(trace, root):
    """{stack: count}; a stack is the names from the outermost to the innermost, the process first."""
    symbols = Symbols(pathlib.Path(root), trace)
    counts = collections.Counter()
    for event in trace.events:
        if event.name != "SAMPLE":
            continue
        # A return address lies behind its call, perhaps in the next function.
        places = [event.value] + [frame - 1 for frame in event.frames]
        if event.code:
            names = [symbols.kernel(place) + "_[k]" for place in places]
        else:
            names = [symbols.user(event.process, place) for place in places]
        process = re.sub(r"\[\d+\]$", "", trace.names.get(event.process, "idle" if event.process == 0 else f"process {event.process}"))
        counts[(process, *reversed(names))] += 1
    return counts


def lines(counts):
    return [f"{';'.join(stack)} {count}" for stack, count in sorted(counts.items())]
