"""What gdb can say of a running Keelson, read from the kernel's own structures. From the root of the tree:

    image/run --gdb                                          in one terminal
    gdb build/kernel/kernel -ex 'target remote :1234' -x image/kernel.gdb       from the first instruction on, or
    gdb build/kernel/kernel -ex 'target remote :1234' -x image/keelson.py       whenever the kernel runs already

    keelson symbols          the kernel's symbols and those of every process, at the random addresses where they lie
    keelson processes        all processes
    keelson threads          all threads: state, and what each waits for
    keelson stack THREAD     the user stack of a thread that does not run
    keelson follow THREAD    its request: the server that has it, and whom that one waits for in turn

THREAD is a thread's number as in request numbers, or the name of a program or server: its first thread. User memory is read through
the kernel's mappings and memory objects, so it does not matter whose page tables are loaded."""
import json
import pathlib
import struct

import gdb

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PAGE = 4096
ELF_HEADER = 64
FRAMES_MAX = 64


def read(address, length):
    return bytes(gdb.selected_inferior().read_memory(address, length))


class Kernel:
    """The kernel's symbols, types and variables."""

    def __init__(self):
        self.place()
        # Taken now: servers have structures of the same names.
        self.types = {name: gdb.lookup_type("struct " + name) for name in
                      ("process", "thread", "request", "session", "endpoint", "mapping", "memory", "capability", "object")}
        self.variables = {name: gdb.parse_and_eval(f"&{name}") for name in
                          ("all_processes", "direct_map_base", "cpus", "cpu_count", "capability_region")}
        self.enums = {}
        for first in ("THREAD_STATE_READY", "CAP_SESSION", "MEMORY_KIND_PHYSICAL", "REQUEST_SERVED", "REQUEST_THREAD"):
            kind = gdb.parse_and_eval(first).type
            self.enums.update({field.name: field.enumval for field in kind.fields()})
        protocols = json.loads((BUILD / "libipc/protocols/protocols.json").read_text())["protocols"]
        self.methods = {method["code"]: f"{protocol['name']}.{method['name']}" for protocol in protocols
                        for method in protocol["methods"]}

    @staticmethod
    def place():
        """Gives the kernel's symbols their addresses: GS leads to the first processor's own structure, a variable of the kernel."""
        known = int(gdb.parse_and_eval("(unsigned long) &boot_processor"))
        in_user = int(gdb.parse_and_eval("$cs")) & 3
        found = int(gdb.parse_and_eval("$k_gs_base" if in_user else "$gs_base")) & (1 << 64) - 1
        if found >> 47 == 0:
            raise gdb.GdbError("the kernel does not run yet: use image/kernel.gdb from the start")
        if found != known:
            gdb.execute(f"symbol-file -o {found - known} {BUILD}/kernel/kernel", to_string=True)

    def of(self, kind, address):
        return gdb.Value(int(address)).cast(self.types[kind].pointer()).dereference()

    def owner(self, kind, field, link):
        """The structure that embeds a list or tree node at `link`."""
        return self.of(kind, int(link) - next(each for each in self.types[kind].fields() if each.name == field).bitpos // 8)

    def listed(self, head, kind, field):
        link, end = head["next"], int(head.address)
        while int(link) != end:
            yield self.owner(kind, field, link)
            link = link.dereference()["next"]

    def name_of(self, prefix, value):
        return next((name[len(prefix):].lower() for name, number in self.enums.items() if name.startswith(prefix) and number == value),
                    str(value))

    def physical(self, address, length):
        return read(int(self.variables["direct_map_base"].dereference()) + address, length)

    def processes(self):
        return [Process(self, each) for each in self.listed(self.variables["all_processes"].dereference(), "process", "link")]

    def current(self):
        """{address of a thread: number of the processor that runs it}."""
        count = int(self.variables["cpu_count"].dereference())
        cpus = self.variables["cpus"].dereference()
        return {int(cpus[i].dereference()["current"]): i for i in range(count)}


class Process:
    names = {}  # what an ELF file's headers say: the file; filled once

    def __init__(self, kernel, value):
        self.kernel = kernel
        self.value = value
        self.serial = int(value["serial"])
        self.mappings = sorted(self.walk(value["space"]["mappings"]["root"]), key=lambda each: int(each["start"]))
        self.file, self.base = self.program()
        self.name = self.file.name if self.file else "?"

    def walk(self, node):
        if int(node):
            yield self.kernel.owner("mapping", "node", node)
            yield from self.walk(node.dereference()["left"])
            yield from self.walk(node.dereference()["right"])

    def threads(self):
        return [Thread(self, each) for each in self.kernel.listed(self.value["threads"], "thread", "process_link")]

    def frame(self, memory, page):
        """The address of a page's frame; 0 if it has none."""
        enums = self.kernel.enums
        if int(memory["memory_kind"]) in (enums["MEMORY_KIND_PHYSICAL"], enums["MEMORY_KIND_CONTIGUOUS"]):
            return int(memory["physical"]) + page * PAGE
        levels = int(memory["levels"])
        if levels == 0:
            return int(memory["direct"][page])
        entry = int(memory["root"])
        for level in reversed(range(levels)):
            if not entry:
                return 0
            entry = struct.unpack("<Q", self.kernel.physical(entry + (page >> 9 * level & 511) * 8, 8))[0]
        return entry

    def read(self, address, length):
        """Bytes of its memory; None where there are none."""
        found = b""
        while length:
            mapping = next((each for each in self.mappings if 0 <= address - int(each["start"]) < int(each["length"])), None)
            if mapping is None:
                return None
            offset = int(mapping["offset"]) + address - int(mapping["start"])
            frame = self.frame(mapping["memory"].dereference(), offset // PAGE)
            if not frame:
                return None
            part = min(length, PAGE - offset % PAGE)
            try:
                found += self.kernel.physical(frame + offset % PAGE, part)
            except gdb.MemoryError:  # registers of a device
                return None
            address, length = address + part, length - part
        return found

    @staticmethod
    def fingerprint(data):
        """What tells an ELF file from all others and is not changed by leaving out its debugging part: entry and segments."""
        count = struct.unpack_from("<H", data, 56)[0]
        return data[24:32] + data[ELF_HEADER:ELF_HEADER + 56 * count]

    def program(self):
        """(file in the build folder, address where it was loaded), found by the ELF header in its memory."""
        if not Process.names:
            for path in [*BUILD.glob("servers/*/*"), *BUILD.glob("drivers/**/*"), *BUILD.glob("programs/**/*"), *BUILD.glob("tests/**/*")]:
                if path.is_file() and path.suffix == "" and (data := path.open("rb").read(PAGE))[:4] == b"\x7fELF":
                    Process.names[self.fingerprint(data)] = path
        for mapping in self.mappings:
            start = int(mapping["start"])
            if self.read(start, 4) != b"\x7fELF":
                continue
            path = Process.names.get(self.fingerprint(self.read(start, ELF_HEADER + 56 * 16) or bytes(PAGE)))
            if path:
                return path, start
        return None, 0

    def holds(self, slot):
        """The slot of a capability table lies in this process's one."""
        slots = int(self.value["table"]["slots"])
        return slots <= int(slot) < slots + 32 * int(self.value["table"]["size"])

    def capabilities(self):
        table = self.value["table"]
        return (table["slots"][index] for index in range(int(table["size"])))


class Thread:
    def __init__(self, process, value):
        self.process = process
        self.kernel = process.kernel
        self.value = value
        self.number = int(value["request"]["serial"])
        self.state = self.kernel.name_of("THREAD_STATE_", int(value["state"]))

    def __str__(self):
        return f"thread {self.number} of {self.process.name}"

    def registers(self):
        """(rip, rsp, rbp) as they were when it last entered the kernel; of a thread that runs user code, as they are."""
        processor = self.kernel.current().get(int(self.value.address))
        if processor is not None:
            inferior_threads = sorted(gdb.selected_inferior().threads(), key=lambda each: each.num)
            was = gdb.selected_thread()
            inferior_threads[processor].switch()
            try:
                if int(gdb.parse_and_eval("$cs")) & 3:
                    return tuple(int(gdb.parse_and_eval(f"(unsigned long) ${name}")) for name in ("rip", "rsp", "rbp"))
            finally:
                was.switch()
        return tuple(int(self.value["registers"][name]) for name in ("rip", "rsp", "rbp"))

    def frames(self):
        """Return addresses, innermost first, along the frame pointers."""
        instruction, _, frame = self.registers()
        for _ in range(FRAMES_MAX):
            yield instruction
            words = self.process.read(frame, 16) if frame and frame % 8 == 0 else None
            if not words:
                return
            above, instruction = struct.unpack("<QQ", words)
            if not instruction or (above and above <= frame):
                return
            frame = above

    def request(self):
        """The request that it waits for, or None."""
        if self.state == "calling":
            return self.value["request"]
        return self.value["fault"] if self.state == "faulted" else None

    def waits(self):
        """What it waits for, in words."""
        request = self.request()
        if request is not None:
            return describe(self.kernel, request)
        if self.state == "waiting":
            return "for a message" if int(self.value["waits_at"]) else "for a notification"
        return "runs" if int(self.value.address) in self.kernel.current() else ""


def describe(kernel, request):
    code = int(request["tag"]) & 0xFFFF
    return f"{kernel.methods.get(code, f'{code >> 8}.{code & 255}')} #{int(request['serial'])}.{int(request['count'])}"


class State:
    """What the commands share: the kernel, and which symbol files were loaded."""
    kernel = None
    loaded = set()


def kernel():
    if State.kernel is None:
        State.kernel = Kernel()
    return State.kernel


def load_symbols(processes):
    for process in processes:
        if process.file and (process.file, process.base) not in State.loaded:
            State.loaded.add((process.file, process.base))
            gdb.execute(f"add-symbol-file {process.file} -o {process.base}", to_string=True)


def symbol(address):
    return gdb.execute(f"info symbol {address}", to_string=True).split(" in section")[0].strip()


def where(thread):
    """The function that made its system call; servers have that in a function of its own."""
    for level, address in enumerate(thread.frames()):
        name = symbol(address - (level > 0))
        if not name.startswith("system_call "):
            break
    return name


def place(address):
    """A code address in words: function, offset, file and line."""
    text = symbol(address)
    if text.startswith("No symbol"):
        return f"{address:#x}"
    found = gdb.find_pc_line(address)
    line = f" at {found.symtab.filename}:{found.line}" if found.symtab else ""
    return f"{text}{line}"


def find_thread(argument):
    if not argument:
        raise gdb.GdbError("which thread? Its number, or the name of its program or server")
    for process in kernel().processes():
        for thread in process.threads():
            if argument in (str(thread.number), process.name):
                return thread
    raise gdb.GdbError(f"no thread {argument}")


class Keelson(gdb.Command):
    """Commands for Keelson: symbols, processes, threads, stack THREAD, follow THREAD."""

    def __init__(self):
        super().__init__("keelson", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)


class Symbols(gdb.Command):
    """Loads the symbols of every process, at the addresses where they lie."""

    def __init__(self):
        super().__init__("keelson symbols", gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        processes = kernel().processes()
        load_symbols(processes)
        for process in processes:
            if process.file and process.threads():
                print(f"{process.base:#014x} {process.file.relative_to(BUILD)}")


class Processes(gdb.Command):
    """Lists all processes. One without threads is what a server is started anew from."""

    def __init__(self):
        super().__init__("keelson processes", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        print(f"{'NUMBER':>6}  {'NAME':16} {'THREADS':>7} {'CPU TIME':>10}  BASE")
        for process in kernel().processes():
            milliseconds = int(process.value["cpu_time"]) // 1000000
            print(f"{process.serial:6}  {process.name:16} {len(process.threads()):7} {milliseconds:8}ms  {process.base:#x}")


class Threads(gdb.Command):
    """Lists all threads: priority, state, what each waits for, where it is."""

    def __init__(self):
        super().__init__("keelson threads", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        processes = kernel().processes()
        load_symbols(processes)
        print(f"{'NUMBER':>6}  {'PROCESS':16} {'PRIORITY':>8} {'STATE':8} {'WAITS':34} WHERE")
        for process in processes:
            for thread in process.threads():
                print(f"{thread.number:6}  {process.name:16} {int(thread.value['effective']):8} {thread.state:8} "
                      f"{thread.waits():34} {where(thread)}")


class Stack(gdb.Command):
    """Walks the user stack of a thread."""

    def __init__(self):
        super().__init__("keelson stack", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        thread = find_thread(argument)
        load_symbols([thread.process])
        print(f"{thread}: {thread.state} {thread.waits()}")
        for level, address in enumerate(thread.frames()):
            # A return address may be the first of the next function: its call lies before it.
            print(f"#{level:<2} {place(address - (level > 0))}")


class Follow(gdb.Command):
    """Follows the request of a thread to the server that has it, and on from there."""

    def __init__(self):
        super().__init__("keelson follow", gdb.COMMAND_STATUS)

    def receivers(self, endpoint):
        """Processes that may receive at the endpoint."""
        wanted, enums = int(endpoint), kernel().enums
        return [process for process in kernel().processes() for slot in process.capabilities()
                if int(slot["object"]) == wanted and int(slot["kind"]) == enums["CAP_ENDPOINT"]
                and int(slot["rights"]) & enums.get("RIGHT_RECEIVE", 1 << 9)]

    def step(self, request):
        """Says where the request is; the threads that it depends on."""
        state = kernel().name_of("REQUEST_", int(request["state"]))
        if state == "served":
            address = int(request["server"])
            thread = next(thread for process in kernel().processes() for thread in process.threads()
                          if int(thread.value.address) == address)
            print(f"  is served by {thread}, which is {thread.state} {thread.waits()}")
            return [thread]
        if state == "aside":
            process = next(each for each in kernel().processes() if each.holds(request["slot"]))
            print(f"  is put aside by {process.name}, which serves others meanwhile")
            return process.threads()
        endpoint = request["session"].dereference()["endpoint"]
        names = sorted({process.name for process in self.receivers(endpoint)}) or ["nobody"]
        print(f"  is {state} at the endpoint of {', '.join(names)}, {int(endpoint.dereference()['queued'])} in the queue")
        return [thread for process in self.receivers(endpoint) for thread in process.threads()]

    def invoke(self, argument, from_tty):
        seen, waiting = set(), [find_thread(argument)]
        while waiting:
            thread = waiting.pop(0)
            if thread.number in seen:
                continue
            seen.add(thread.number)
            print(f"{thread} is {thread.state} {thread.waits()}")
            request = thread.request()
            if request is not None:
                waiting += self.step(request)


for command in (Keelson, Symbols, Processes, Threads, Stack, Follow):
    command()
