#!/usr/bin/python3 -B
"""What it costs to send a file of 16 MiB that is in ext2's cache over TCP: QEMU's processor time for each MiB, by read and send as httpd did
it, and by sendfile as it does now, in turns in one boot (tests/network/sends.c). e1000 on QEMU's own network; virtio on a tap device,
whose other end is this host's kernel (needs root), and on QEMU's own network, where sums are not left to the card and both ways copy.

`send_file.py [ROUNDS]`"""
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/network"), str(ROOT / "tests/fault")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import test_send_file as sends  # noqa: E402 pylint: disable=wrong-import-position

BLOCKS = 256  # of 64 KiB
WAYS = {"read and send": b"c", "sendfile": b"s"}


def measure(nic, tap, rounds):
    used = {way: [] for way in WAYS}
    with sends.Guest(nic, tap, "net", memory="256M", blocks=BLOCKS) as guest:
        for way in WAYS.values():
            assert guest.is_whole(way)
        before = guest.by_card()[0]
        for _ in range(rounds):
            for way, what in WAYS.items():
                begun = machine.time_used(guest.machine.process)
                size = len(guest.get(what))
                used[way].append((machine.time_used(guest.machine.process) - begun) * 1000 / (size / (1 << 20)))
        carried = (guest.by_card()[0] - before) / rounds / (1 << 20)
    print(f"{nic}, {'tap' if tap else 'user network'}: ", end="")
    print(", ".join(f"{way} {min(times):.2f} ms/MiB (median {statistics.median(times):.2f})" for way, times in used.items()), end="")
    print(f"; by the card {carried:.1f} MiB of each; ratio of the medians "
          f"{statistics.median(used['sendfile']) / statistics.median(used['read and send']):.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    measure("e1000", False, rounds)
    measure("virtio", False, rounds)
    if sends.linux.enter_namespace():
        sends.linux.set_up()
        measure("virtio", True, rounds)
        measure("e1000", True, rounds)
    else:
        print("tap devices: needs root", file=sys.stderr)


if __name__ == "__main__":
    main()
