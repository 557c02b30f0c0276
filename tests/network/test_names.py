"""Names in the guest against a name server on this host: the cache, its times, negative answers, chains, TCP, /etc/hosts, the search list, several
servers of which one is silent; and what programs say if there is none. One boot."""
import pathlib
import re
import subprocess

import name_server

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = {
    ("www.example", "A"): [("www.example", "CNAME", 60, "web.example"), ("web.example", "A", 60, "192.0.2.1"), ("web.example", "A", 60, "192.0.2.2")],
    ("www.example", "AAAA"): [("www.example", "CNAME", 60, "web.example"), ("web.example", "AAAA", 60, "2001:db8::1")],
    ("brief.example", "A"): [("brief.example", "A", 1, "192.0.2.3")],
    ("never.example", "A"): [("never.example", "A", 0, "192.0.2.4")],
    ("large.example", "A"): [("large.example", "A", 60, f"192.0.2.{i}") for i in range(1, 15)],
    ("liar.example", "A"): [("liar.example", "A", 60, "192.0.2.9")],
    ("short.inner.example", "A"): [("short.inner.example", "A", 60, "192.0.2.7")],
    ("1.2.0.192.in-addr.arpa", "PTR"): [("1.2.0.192.in-addr.arpa", "PTR", 60, "web.example")],
    ("broken.example", "A"): [],
}
SCRIPT = """
echo 'nameserver [10.0.2.2]:{port}' > /etc/resolv.conf
echo 'search inner.example' >> /etc/resolv.conf
echo '192.0.2.77 fixed.example fixed' >> /etc/hosts
say() {{ echo "== $*"; "$@" 2>&1; }}
say host -4 www.example
say host www.example
say host www.example
say host WWW.Example.
say host -4 nothing.example
say host nothing.example
say host -4 brief.example; sleep 1.2; host -4 brief.example > /dev/null
say host -4 never.example; host -4 never.example > /dev/null
say host -4 large.example
say host -4 liar.example
say host -4 short
say host -4 broken.example
say host fixed
say host 192.0.2.77
say host 192.0.2.1
say host -6 brief.example
for i in 1 2 3 4 5 6; do host -4 www.example > /dev/null & done; wait
chaos -q -n 3 -r 20 resolver -- sh -c 'for i in 1 2 3 4 5 6 7 8; do host -4 www.example; sleep 0.05; done' | grep -c 192.0.2.1
netstat -s | grep resolver
say host -4 a..b
say host -4 {long}.example
say nc 127.0.0.1 nonsense
echo 'nameserver 10.0.2.99' > /etc/resolv.conf
echo 'nameserver [10.0.2.2]:{port}' >> /etc/resolv.conf
echo 'options timeout:1 attempts:2' >> /etc/resolv.conf
say time host -4 web2.example
say time host -4 web3.example
echo 'nameserver 10.0.2.99' > /etc/resolv.conf
echo 'options timeout:1 attempts:2' >> /etc/resolv.conf
say time host www.example
echo > /etc/resolv.conf; ip link set eth0 down; dhcp eth0 stop
say host www.example
"""


def test_names():
    server = name_server.NameServer(TABLE)
    done = subprocess.run([ROOT / "image/run", "--fresh-disk", "--memory", "64M", "--timeout", "150", "-c",
                           SCRIPT.format(port=server.port, long="a" * 64)], capture_output=True, text=True, check=False)
    text = done.stdout
    parts = dict(reversed(re.findall(r"^== (.*)\n((?:(?!==).*\n)*)", text, re.M)))  # of the same command the first
    print(text, done.stderr, server.asked)
    both = "www.example is an alias for web.example\nwww.example has address 192.0.2.1\nwww.example has address 192.0.2.2\n"
    assert parts["host -4 www.example"] == both
    assert parts["host www.example"] == both + "www.example has address 2001:db8::1\n"
    assert parts["host WWW.Example."].endswith("has address 2001:db8::1\n")
    unknown = "host: nothing.example: unknown name or service\n"
    assert parts["host -4 nothing.example"] == unknown and parts["host nothing.example"] == unknown
    assert server.count("nothing.example", "A") == 1 and server.count("nothing.example", "AAAA") == 0  # RFC 2308: of all types
    assert server.count("nothing.example.inner.example", "A") == 1
    assert server.count("brief.example") == 2 and server.count("never.example") == 2
    assert parts["host -4 large.example"].count("has address") == 14 and ("large.example", 1, "tcp") in server.asked
    assert parts["host -4 liar.example"] == "liar.example has address 192.0.2.9\n"
    assert parts["host -4 short"] == "short is an alias for short.inner.example\nshort has address 192.0.2.7\n"
    assert parts["host -4 broken.example"] == "host: broken.example: the name servers have failed\n"
    assert parts["host fixed"] == "fixed is an alias for fixed.example\nfixed has address 192.0.2.77\n"
    assert parts["host 192.0.2.77"] == "192.0.2.77 is fixed.example\n" and parts["host 192.0.2.1"] == "192.0.2.1 is web.example\n"
    assert parts["host -6 brief.example"].startswith("host: brief.example: unknown name or service\n")
    assert re.search(r"^8$", text, re.M)  # while the resolver ends
    counters = dict(reversed(line.split()) for line in re.findall(r".*resolver_.*", text))
    assert int(counters["resolver_questions"]) > int(counters["resolver_hits"]) >= 1 and int(counters["resolver_entries"]) >= 1
    for bad in ("a..b", "a" * 64 + ".example"):
        assert parts[f"host -4 {bad}"] == f"host: {bad}: unknown name or service\n"
    assert "service not known" in parts["nc 127.0.0.1 nonsense"]
    seconds = [float(number) for number in re.findall(r"^real (\d+\.\d+)", text, re.M)]
    assert 1 <= seconds[0] < 3 and seconds[1] < 1  # the silent one is asked last then
    assert "no name server answers" in parts["time host www.example"] and 1 <= seconds[2] < 4
    assert text.endswith("host: www.example: no name server is known\n")
    assert server.count("www.example", "A") <= 6  # one each: the first, and after each end of the resolver; all else came out of the cache
