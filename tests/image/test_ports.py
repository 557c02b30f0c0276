"""Ports that lead into the guest: asked of QEMU's monitor, here of one that is played."""
import json
import socket
import threading

import pytest

from runner import network, options


class Played:
    """A monitor in which some ports are taken."""

    def __init__(self, taken):
        self.taken, self.asked = taken, []
        self.ours, theirs = socket.socketpair()
        threading.Thread(target=self.play, args=(theirs,), daemon=True).start()

    def play(self, stream):
        lines = stream.makefile("rw")
        lines.write('{"QMP": {}}\n')
        lines.flush()
        for line in lines:
            request = json.loads(line)
            answer = {}
            if request["execute"] == "human-monitor-command":
                rule = request["arguments"]["command-line"].split()[2]
                self.asked.append(rule)
                answer = "could not set up host forwarding rule\r\n" if int(rule.split(":")[2].split("-")[0]) in self.taken else ""
            lines.write('{"event": "SOMETHING"}\n' + json.dumps({"return": answer}) + "\n")
            lines.flush()


@pytest.mark.parametrize("taken, used", [([], 8080), ([8080, 8081], 8082)])
def test_next_free_port_is_taken_and_said(taken, used, capsys):
    played = Played(taken)
    network.forward_all(network.Monitor(played.ours), options.parse([]), True)
    assert played.asked[-1] == f"tcp:127.0.0.1:{used}-:80"
    assert f"http://localhost:{used}/" in capsys.readouterr().err


def test_no_port_is_free(capsys):
    network.forward_all(network.Monitor(Played(range(8080, 8100)).ours), options.parse([]), True)
    assert "none leads into the guest" in capsys.readouterr().err


def test_wanted_ports(capsys):
    played = Played([9000])
    network.forward_all(network.Monitor(played.ours), options.parse(["--forward", "9000:80", "--forward", "9001:22"]), False)
    assert played.asked == ["tcp:127.0.0.1:9000-:80", "tcp:127.0.0.1:9001-:22"]
    assert "port 9000 of this host is taken" in capsys.readouterr().err
