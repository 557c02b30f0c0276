"""What capture writes, as tshark reads it; and its lines about frames that are whole, cut off, or nonsense."""
import json
import os
import pathlib
import random
import struct
import subprocess

PROGRAM = pathlib.Path(os.environ["PROGRAMS"]) / "capture_file"
ETHERNET = bytes.fromhex("525400123456 02aabbccddee")
ARP = ETHERNET + bytes.fromhex("0806 0001 0800 06 04 0001 02aabbccddee 0a000202 000000000000 0a00020f") + bytes(18)


def ipv4(protocol, data, fragment=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 9, fragment, 64, protocol, 0, bytes([10, 0, 2, 15]), bytes([10, 0, 2, 2]))
    return ETHERNET + b"\x08\x00" + head + data


TCP = ipv4(6, struct.pack(">HHIIBBHHH", 80, 4000, 1, 2, 0x50, 0x12, 512, 0, 0) + b"hello")
UDP = ipv4(17, struct.pack(">HHHH", 68, 67, 12, 0) + b"abcd")
PING = ipv4(1, struct.pack(">BBHHH", 8, 0, 0, 5, 6) + b"x" * 32)
IPV6 = (ETHERNET + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, 16, 0, 255) + bytes(15) + b"\1" + bytes(15) + b"\2"
        + bytes([58, 0, 0, 0, 0, 0, 0, 0]) + struct.pack(">BBHHH", 135, 0, 0, 0, 0))
FRAMES = [ARP, TCP, UDP, PING, IPV6, b"short", ETHERNET + b"\x88\xb5" + bytes(46)]


def run(frames, *arguments):
    data = b"".join(struct.pack("<H", len(frame)) + frame for frame in frames)
    return subprocess.run([PROGRAM, *arguments], input=data, capture_output=True, check=True).stdout


def test_tshark_reads_the_file(tmp_path):
    (tmp_path / "file").write_bytes(run(FRAMES))
    done = subprocess.run(["tshark", "-r", tmp_path / "file", "-T", "json", "-x", "-n"], capture_output=True, text=True, check=True)
    assert "malformed" not in done.stderr and "cut short" not in done.stderr
    packets = json.loads(done.stdout)
    assert [bytes.fromhex(packet["_source"]["layers"]["frame_raw"][0]) for packet in packets] == FRAMES
    heads = [packet["_source"]["layers"]["frame"] for packet in packets]
    assert [head["frame.time_epoch"] for head in heads] == [f"1700000000.{123456789 + n * 1000}" for n in range(len(FRAMES))]
    assert {head["frame.interface_id_tree"]["frame.interface_name"] for head in heads} == {"eth0"}


def test_lines():
    assert run(FRAMES, "-d").decode().splitlines() == [
        "ARP who has 10.0.2.15? tell 10.0.2.2",
        "10.0.2.15 > 10.0.2.2 TCP 80 > 4000 [SA] seq 1 ack 2 win 512 len 5",
        "10.0.2.15 > 10.0.2.2 UDP 68 > 67 len 12",
        "10.0.2.15 > 10.0.2.2 ICMP echo request id 5 seq 6",
        "::1 > ::2 ICMPv6 neighbour solicitation",
        " (cut off)",
        "02:aa:bb:cc:dd:ee > 52:54:00:12:34:56 type 88b5"]


def test_damaged_frames():
    rng = random.Random(3)
    frames = [frame[:n] for frame in FRAMES for n in range(len(frame))]
    for _ in range(3000):
        frame = bytearray(rng.choice(FRAMES))
        for _ in range(rng.randint(1, 8)):
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        frames.append(bytes(frame))
    assert run(frames, "-d").count(b"\n") == len(frames)
