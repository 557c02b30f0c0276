"""Page tables out of a copy of the guest's memory (Intel SDM volume 3, 4.5): every address space, entry by entry."""
import collections
import struct

PAGE = 4096
PRESENT, WRITE, USER, LARGE, NO_EXECUTE, ADDRESS = 1 << 0, 1 << 1, 1 << 2, 1 << 7, 1 << 63, 0x000ffffffffff000

# `entry` as it stands in the last table; writable, user and executable by all levels together.
Leaf = collections.namedtuple("Leaf", "address physical size entry writable user executable")


class Memory:
    """`data` is physical memory from 0 on. `tables` collects the pages that hold tables, `entries` every (address, level, entry)."""

    def __init__(self, data):
        self.data = data
        self.tables = set()
        self.entries = []

    def table(self, physical):
        self.tables.add(physical)
        return struct.unpack_from("<512Q", self.data, physical)

    def walk(self, root, slots=range(512), level=3, address=0, rights=(True, True, True)):
        table = self.table(root)
        for slot in slots:
            entry = table[slot]
            if not entry & PRESENT:
                continue
            at = address | slot << 12 + 9 * level
            if level == 3 and slot >= 256:
                at |= 0xffff << 48
            self.entries.append((at, level, entry))
            both = tuple(old and new for old, new in zip(rights, (entry & WRITE, entry & USER, not entry & NO_EXECUTE)))
            if level == 0 or level < 3 and entry & LARGE:
                size = PAGE << 9 * level
                yield Leaf(at, entry & ADDRESS & -size, size, entry, *both)
            else:
                yield from self.walk(entry & ADDRESS, range(512), level - 1, at, both)

    def roots(self, root):
        """Every address space: the pages whose upper half is that of this root."""
        kernel = self.data[root + PAGE // 2:root + PAGE]
        return [at for at in range(0, len(self.data), PAGE) if self.data[at + PAGE // 2:at + PAGE] == kernel]
