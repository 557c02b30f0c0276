"""What the program services tells at its port 23 of the guest's connections and counters. Also runs in a Linux guest (linux_peer.py)."""
import test_linux as linux

PORT = 23
STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"]


class Told:
    asked_at = PORT  # connections there are our own questions, the last of which may still be closing

    def told(self):
        one, parts = linux.connect(linux.V4, PORT), []
        linux.receive_all(one, parts)
        one.close()
        return [line.split() for line in b"".join(parts).decode().splitlines()]

    def states(self):
        rows = [tuple(map(int, words)) for words in self.told() if len(words) == 3]
        return {(local, remote): STATES[state] for state, local, remote in rows if local != PORT}

    def count(self, *names):
        counters = {words[0]: int(words[1]) for words in self.told() if len(words) == 2}
        return {name: counters[name] for name in names}
