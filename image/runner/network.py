"""The network of the machine: its card, what the card is connected to, and ports of this host that lead into it. Ports are asked of
QEMU once it runs, because one that is taken must not keep it from starting."""
import json
import socket
import sys
import threading
import time

MODELS = {"virtio": "virtio-net-pci,disable-legacy=on,romfile=", "e1000": "e1000,romfile=", "e1000e": "e1000e,romfile="}
HOST_PORT, GUEST_PORT = 8080, 80
OTHERS = 20  # ports that are tried when that one is taken
CONTROL_SECONDS = 20


def model(options):
    """--nic, or what is right without it: none where every instruction counts, since frames come when they like."""
    return options.nic or ("none" if options.icount or options.seed is not None else "virtio")


def arguments(options, escape):
    """QEMU's arguments."""
    if model(options) == "none":
        return []
    kind = f"tap,id=network,ifname={escape(options.tap)},script=no,downscript=no" if options.tap else "user,id=network"
    line = ["-netdev", kind, "-device", f"{MODELS[model(options)]},netdev=network,id=card"]
    if options.capture:
        line += ["-object", f"filter-dump,id=capture,netdev=network,file={escape(options.capture)}"]
    return line


def has_ports(options):
    return model(options) != "none" and not options.tap


def connect(path, alive):
    """QEMU's monitor, as soon as it listens; None if it ends before."""
    deadline = time.monotonic() + CONTROL_SECONDS
    while alive() and time.monotonic() < deadline:
        control = socket.socket(socket.AF_UNIX)
        try:
            control.connect(str(path))
            return control
        except OSError:
            control.close()
            time.sleep(0.02)
    return None


class Monitor:
    """QEMU's monitor by QMP."""

    def __init__(self, control):
        self.lines = control.makefile("rw", encoding="utf-8")
        self.lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments_of_it):
        self.lines.write(json.dumps({"execute": command, "arguments": arguments_of_it}) + "\n")
        self.lines.flush()
        while "event" in (answer := json.loads(self.lines.readline())):
            pass
        return answer

    def forward(self, host, guest):
        """True if this port of the host leads to that one of the guest now."""
        answer = self.execute("human-monitor-command", **{"command-line": f"hostfwd_add network tcp:127.0.0.1:{host}-:{guest}"})
        return answer.get("return") == ""


def forward_all(monitor, options, say):
    for host, guest in options.forward or []:
        if not monitor.forward(host, guest):
            print(f"image/run: port {host} of this host is taken: it does not lead to port {guest} of the guest", file=sys.stderr)
    if options.forward is not None:
        return
    for host in range(HOST_PORT, HOST_PORT + OTHERS):
        if monitor.forward(host, GUEST_PORT):
            if say:
                print(f"Port {GUEST_PORT} of the guest is http://localhost:{host}/ here.", end="\r\n", file=sys.stderr)
            return
    if say:
        print(f"image/run: ports {HOST_PORT} to {HOST_PORT + OTHERS - 1} are taken: none leads into the guest", file=sys.stderr)


def start_forwarding(options, control_path, process, say):
    """Beside the machine's start. `say`: which port it became."""
    if not has_ports(options):
        return

    def work():
        try:
            control = connect(control_path, lambda: process.poll() is None)
            if control:
                with control:
                    forward_all(Monitor(control), options, say)
        except (OSError, ValueError):  # QEMU ended meanwhile
            pass

    threading.Thread(target=work, daemon=True).start()
