"""The program `trace` in the guest, and what the host makes of what it saved: one boot for all of it."""
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest
import schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from tracer import file

BEGIN, END, INSTANT = 1, 2, 3
# What runs in the guest: name, command. The first is the first reader of /etc/motd since the boot, so that the disk is reached.
PARTS = [
    ("saved", "trace -e all -o /tmp/motd cat /etc/motd"),
    ("file", "cat /tmp/motd"),
    ("status", "trace -o /tmp/false false; echo $?"),
    ("printed", "trace cat /etc/motd"),
    ("read back", "trace -i /tmp/motd"),
    ("server", "trace -i /tmp/motd -s ext2"),
    ("samples", "trace -r 2000 -o /tmp/samples sh -c 'sha256sum /bin/sh /bin/sh /bin/sh /bin/sh /bin/sh >/dev/null; ls -lR /bin >/dev/null'"),
    ("sample file", "cat /tmp/samples"),
    ("lossy", "trace -b 4 ls / | tail -1"),
    ("again", "trace true | tail -1"),
    ("refused", "trace -s nobody true; trace -e nothing true; trace -b 5 true; trace -i /etc/motd"),
    ("help", "trace --help"),
    ("processes", "cat /proc/processes"),
]
MARK = b"\n=====\n"


@pytest.fixture(scope="module")
def parts():
    """{name: output} of the commands above."""
    script = "; printf '\\n=====\\n'; ".join(command for _, command in PARTS)
    done = subprocess.run([ROOT / "image/run", "--timeout", "60", "--fresh-disk", "-c", f"exec 2>&1; {script}"], capture_output=True, timeout=180,
                          check=False)
    outputs = done.stdout.split(MARK)
    assert len(outputs) == len(PARTS), done.stdout[-2000:] + done.stderr
    return dict(zip((name for name, _ in PARTS), outputs))


@pytest.fixture(scope="module")
def saved(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "motd"
    path.write_bytes(parts["file"])
    return path


@pytest.fixture(scope="module")
def packets(saved):
    output = saved.with_suffix(".perfetto")
    subprocess.run([ROOT / "image/trace", "perfetto", saved, output], check=True)
    return schema.parse("Trace", output.read_bytes())["packet"]


def lines(text):
    return [line for line in text.decode().splitlines() if re.match(r" *\d+\.\d ", line)]


def test_command_runs(parts):
    motd = (ROOT / "image/root/etc/motd").read_bytes()
    assert parts["saved"].strip() == motd.strip()
    assert parts["printed"].startswith(motd)


def test_exit_status(parts):
    assert parts["status"].strip() == b"1"


def test_decodes_methods_and_arguments(parts):
    shown = parts["printed"].decode()
    assert re.search(r' cat\[\d+\] +calls +directory\.open\(start=\d+, flags=\d+, mode=0\) "etc/motd"', shown)
    assert re.search(r" vfs +forwards +directory\.open\(start=\d+", shown)
    assert re.search(r" ext2 +answers +directory\.open of cat\[\d+\]: ok \(kind=1\)", shown)
    assert re.search(r" ext2 +answers +file\.read of cat\[\d+\]: ok \(count=\d+\)", shown)
    assert re.search(r" cat\[\d+\] +does +process\.map\(address=0, length=0x", shown)


def test_leaves_itself_out(parts):
    assert not re.search(r" trace\[\d+\] +(calls|does)", parts["printed"].decode())


def test_reads_back_what_it_saved(parts):
    shown = lines(parts["read back"])
    for word in ("calls", "takes", "answers", "signals", "wakes", "faults", "interrupt", "maps", "creates", "ends", "runs"):
        assert any(re.match(rf" *\d+\.\d +\d+  \S+ +{word}\b", line) for line in shown), word


def test_follows_one_server(parts):
    shown = lines(parts["server"])
    assert any(re.search(r" ext2 +takes +directory\.open of cat", line) for line in shown)
    assert any(re.search(r" cat\[\d+\] +calls +directory\.open", line) for line in shown), "who calls it"
    assert not any(re.match(r" *\d+\.\d +\d+  (ata|process|init) ", line) for line in shown), "and nothing else"


def test_counts_what_it_lost(parts):
    assert re.fullmatch(r"\d+ older records were lost", parts["lossy"].decode().strip())


def test_can_be_used_again(parts):
    assert lines(parts["again"])


def test_refuses_with_a_sentence(parts):
    shown = parts["refused"].decode()
    for sentence in ("trace: nobody: no such server", "trace: no such class: nothing", "a power of two", "/etc/motd: this is no trace"):
        assert sentence in shown


def test_help(parts):
    assert parts["help"].startswith(b"usage: trace ") and b"-s SERVER" in parts["help"]


def test_file_holds_the_round_trip(saved):
    protocols = file.Protocols(ROOT / "build/libipc/protocols/protocols.json")
    trace = file.load(saved, protocols)
    assert trace.lost == 0 and trace.processors == 1
    opened = next(event for event in trace.events if event.name == "CALL" and protocols.method(event.code) == "directory.open")
    assert opened.lent == b"etc/motd" and trace.names[opened.process].startswith("cat[")
    about = [event.name for event in trace.events if event.name in ("CALL", "RECEIVE", "FORWARD", "REPLY") and event.request == opened.request]
    assert about == ["CALL", "RECEIVE", "FORWARD", "CALL", "RECEIVE", "REPLY"]
    times = [event.time for event in trace.events]
    assert times == sorted(times)


def test_perfetto_tracks(packets):
    """Threads lie under processes, every track is described before it is used, slices nest, and times do not go back."""
    described, open_slices, before = {}, {}, 0
    for packet in packets:
        assert packet["trusted_packet_sequence_id"] and ("track_event" in packet) != ("track_descriptor" in packet)
        if "track_descriptor" in packet:
            track = packet["track_descriptor"]
            assert track["uuid"] not in described and track.get("parent_uuid", 0) in {0, *described}
            if "thread" in track:
                assert described[track["parent_uuid"]]["process"]["pid"] == track["thread"]["pid"]
            described[track["uuid"]] = track
            continue
        event = packet["track_event"]
        assert packet["timestamp"] >= before and event["track_uuid"] in described
        before = packet["timestamp"]
        depth = open_slices.get(event["track_uuid"], 0) + {BEGIN: 1, END: -1, INSTANT: 0}[event["type"]]
        assert depth >= 0 and ("name" in event) == (event["type"] != END)
        open_slices[event["track_uuid"]] = depth
    assert not any(open_slices.values())
    threads = [track for track in described.values() if "thread" in track]
    assert len({track["thread"]["tid"] for track in threads}) == len(threads) > 5


def owners(packets):
    """{track: name of its process}."""
    tracks = {packet["track_descriptor"]["uuid"]: packet["track_descriptor"] for packet in packets if "track_descriptor" in packet}

    def owner(track):
        return track["process"]["process_name"] if "process" in track else owner(tracks[track["parent_uuid"]])

    return {uuid: re.sub(r"\[\d+\]", "", owner(track)) for uuid, track in tracks.items()}


def arrows(packets):
    """(time, from, time, to) of each flow, by processes."""
    owner, sources, found = owners(packets), {}, []
    for packet in packets:
        event = packet.get("track_event", {})
        for flow in event.get("flow_ids", []):
            assert flow not in sources, "a flow begins once"
            sources[flow] = packet["timestamp"], owner[event["track_uuid"]]
        for flow in event.get("terminating_flow_ids", []):
            found.append((*sources.pop(flow), packet["timestamp"], owner[event["track_uuid"]]))
    return found


def test_perfetto_message_reaches_the_disk_and_comes_back(packets):
    """Arrow after arrow: cat asks vfs, which hands on to ext2, which wakes ata, which wakes ext2, which answers cat."""
    way = ["cat", "vfs", "ext2", "ata", "ext2", "cat"]
    starts = [packet["timestamp"] for packet in packets
              if packet.get("track_event", {}).get("name") == "directory.open" and packet["track_event"]["type"] == BEGIN]
    now = starts[0]
    for start, end in zip(way, way[1:]):
        later = [arrow for arrow in arrows(packets) if arrow[1] == start and arrow[3] == end and arrow[0] >= now]
        assert later, f"no arrow from {start} to {end} after {now}"
        now = min(later)[2]
    ends = [packet["timestamp"] for packet in packets if packet.get("track_event", {}).get("name") == "answered"]
    assert now in ends


def test_perfetto_slices_have_arguments(packets):
    opened = next(packet["track_event"] for packet in packets if packet.get("track_event", {}).get("name") == "directory.open")
    notes = {note["name"]: note.get("string_value", note.get("uint_value")) for note in opened["debug_annotations"]}
    assert notes["lent"] == "etc/motd" and "flags" in notes and opened["categories"] == ["call"]


@pytest.fixture(scope="module")
def samples(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "samples"
    path.write_bytes(parts["sample file"])
    return path


@pytest.fixture(scope="module")
def stacks(samples):
    """{stack: count} as image/trace prints it."""
    done = subprocess.run([ROOT / "image/trace", "stacks", samples], capture_output=True, text=True, check=True)
    return {tuple(line.rsplit(" ", 1)[0].split(";")): int(line.rsplit(" ", 1)[1]) for line in done.stdout.splitlines()}


def test_stacks_of_user_code(stacks):
    way = ("sha256sum", "_start", "__libc_start", "main", "file_sum")
    inside = sum(count for stack, count in stacks.items() if stack[:5] == way)
    own = {stack: count for stack, count in stacks.items() if stack[0].startswith("sha256sum")}
    assert inside > 10 and inside > sum(own.values()) / 2, own


def test_stacks_of_the_kernel(stacks):
    kernel = {stack: count for stack, count in stacks.items() if stack[-1].endswith("_[k]")}
    assert sum(kernel.values()) > 10
    assert any(stack[1:3] == ("slow_entry_[k]", "system_call_[k]") for stack in kernel)
    assert not any("?" in stack for stack in kernel)


def test_flame_graph(samples, stacks):
    """Every box lies on one that is at least as wide, and the lowest stands for all samples."""
    picture = samples.with_suffix(".svg")
    subprocess.run([ROOT / "image/trace", "flame", samples, picture, "--title", "a < b"], check=True)
    space = "{http://www.w3.org/2000/svg}"
    root = xml.parse(picture).getroot()
    boxes = [(float(box.get("x")), float(box.get("y")), float(box.get("width")), group.find(f"{space}title").text)
             for group in root.iter(f"{space}g") for box in group.iter(f"{space}rect")]
    lowest = max(boxes, key=lambda box: box[1])
    assert f"{sum(stacks.values())} of {sum(stacks.values())} samples, 100.0 %" in lowest[3]
    for x, y, width, title in boxes:
        if y != lowest[1]:
            assert any(below[0] <= x + 0.2 and x + width <= below[0] + below[2] + 0.2 and 0 < below[1] - y < 20 for below in boxes), title
    assert root.find(f"{space}text").text == "a < b"


def test_refuses_what_is_no_trace(tmp_path):
    (tmp_path / "nothing").write_bytes(b"nothing")
    done = subprocess.run([ROOT / "image/trace", "perfetto", tmp_path / "nothing", tmp_path / "out"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "is no trace" in done.stderr
