"""Packets as layers of named fields: `build` makes bytes of them, `dissect` finds the layers in bytes. A layer is a dictionary with its
name under "layer"; what a script does not name is filled in, sums and lengths too, unless it names them to be wrong."""
import ipaddress
import struct

OWN_MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
ADDRESSES = {"own": "10.0.0.1", "peer": "10.0.0.2", "third": "10.0.0.9", "own6": "fe80::ff:fe00:1", "peer6": "fe80::ff:fe00:2",
             "third6": "fe80::ff:fe00:9", "all": "255.255.255.255", "lan": "10.0.0.255", "all6": "ff02::1", "routers6": "ff02::2",
             "solicited6": "ff02::1:ff00:1"}
ETHERTYPES = {"ip": 0x800, "arp": 0x806, "ip6": 0x86DD}
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "hop": 0, "routing": 43, "frag": 44, "destination": 60}
DEFAULTS = {"id": 77}  # of datagrams
EXTENSIONS = ("hop", "routing", "frag", "destination")
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128}
TCP_OPTIONS = {0: "end", 1: "nop", 2: "mss", 3: "ws", 4: "sack_ok", 5: "sack", 8: "ts"}


def address(word):
    return ipaddress.ip_address(ADDRESSES.get(word, word))


def mac(word):
    return bytes.fromhex(word.replace(":", ""))


def number(word):
    return word if isinstance(word, int) else int(word, 0)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(network, protocol, length):
    if network is None:
        return b""
    source, destination = address(network["src"]).packed, address(network["dst"]).packed
    return source + destination + (struct.pack("!BBH", 0, protocol, length) if len(source) == 4 else struct.pack("!IxxxB", length, protocol))


# --- building: from the innermost layer outwards
def put_sum(data, at, layer, sum_of=None):
    """Puts the sum that the layer names, the right one, or with `sum=bad` a wrong one."""
    value = checksum(sum_of if sum_of is not None else data)
    if value == 0 and layer["layer"] == "udp":
        value = 0xFFFF
    named = layer.get("sum")
    value = value ^ 0x5555 if named == "bad" else value if named is None else number(named)
    return data[:at] + struct.pack("!H", value) + data[at + 2:]


def tcp_options(text):
    """`mss 1000, ts 1 2, sack 1:2 3:4, ws 7, sack_ok, nop, end, raw HEX` as bytes, padded; numbers of sack are absolute here."""
    out = b""
    for part in filter(None, (part.strip() for part in text.split(","))):
        kind, *words = part.split()
        if kind == "mss":
            out += struct.pack("!BBH", 2, 4, int(words[0]))
        elif kind == "ws":
            out += struct.pack("!BBB", 3, 3, int(words[0]))
        elif kind == "sack_ok":
            out += b"\4\2"
        elif kind == "ts":
            out += struct.pack("!BBII", 8, 10, *(int(word) % 2**32 for word in words))
        elif kind == "sack":
            edges = [int(edge) % 2**32 for word in words for edge in word.split(":")]
            out += struct.pack(f"!BB{len(edges)}I", 5, 2 + 4 * len(edges), *edges)
        elif kind in ("nop", "end"):
            out += b"\1" if kind == "nop" else b"\0"
        elif kind == "raw":
            out += bytes.fromhex("".join(words))
        else:
            raise ValueError(f"option {kind}")
    return out + b"\1" * (-len(out) % 4)


def build_tcp(layer, network, payload):
    options = tcp_options(layer.get("options", ""))
    flags = sum(FLAGS[flag] for flag in layer.get("flags", ".") if flag != "-")
    offset = number(layer.get("off", 5 + len(options) // 4))
    head = struct.pack("!HHIIBBHHH", number(layer["sport"]), number(layer["dport"]), number(layer.get("seq", 0)) % 2**32,
                       number(layer.get("ack", 0)) % 2**32, offset << 4 | number(layer.get("reserved", 0)), flags, number(layer.get("win", 10000)),
                       0, number(layer.get("urg", 0)))
    data = head + options + payload
    return put_sum(data, 16, layer, pseudo(network, 6, len(data)) + data)


def build_udp(layer, network, payload):
    length = number(layer.get("len", 8 + len(payload)))
    data = struct.pack("!HHHH", number(layer["sport"]), number(layer["dport"]), length, 0) + payload
    return put_sum(data, 6, layer, pseudo(network, 17, length) + data)


def build_icmp(layer, network, payload):
    six = layer["layer"] == "icmp6"
    rest = layer.get("rest")
    if "mtu" in layer:
        rest = struct.pack("!I", number(layer["mtu"]))
    elif "pointer" in layer:
        rest = struct.pack("!I", number(layer["pointer"])) if six else struct.pack("!BBH", number(layer["pointer"]), 0, 0)
    elif rest is None:
        rest = struct.pack("!HH", number(layer.get("id", 0)), number(layer.get("seq", 0)))
    else:
        rest = bytes.fromhex(rest)
    data = struct.pack("!BBH", number(layer["type"]), number(layer.get("code", 0)), 0) + rest
    if "target" in layer:
        data += address(layer["target"]).packed
    data += payload
    return put_sum(data, 2, layer, (pseudo(network, 58, len(data)) if six else b"") + data)


def build_arp(layer, _, payload):
    return struct.pack("!HHBBH", number(layer.get("htype", 1)), number(layer.get("ptype", 0x800)), number(layer.get("hlen", 6)),
                       number(layer.get("plen", 4)), number(layer.get("op", 1))) + \
        mac(layer.get("sha", PEER_MAC)) + address(layer.get("spa", "peer")).packed + mac(layer.get("tha", "00" * 6)) + \
        address(layer.get("tpa", "own")).packed + payload


def build_ip(layer, _, payload):
    options = bytes.fromhex(layer.get("options", ""))
    options += b"\0" * (-len(options) % 4)
    words = number(layer.get("ihl", 5 + len(options) // 4))
    fragment = number(layer.get("off", 0)) // 8 | number(layer.get("mf", 0)) << 13 | number(layer.get("df", 0)) << 14
    head = struct.pack("!BBHHHBBH", number(layer.get("version", 4)) << 4 | words, number(layer.get("tos", 0)),
                       number(layer.get("len", 20 + len(options) + len(payload))), number(layer.get("id", DEFAULTS["id"])), fragment,
                       number(layer.get("ttl", 64)), number(layer["proto"]), 0)
    head += address(layer["src"]).packed + address(layer["dst"]).packed + options
    return put_sum(head, 10, layer) + payload


def build_ip6(layer, _, payload):
    return struct.pack("!IHBB", number(layer.get("version", 6)) << 28 | number(layer.get("tc", 0)) << 20 | number(layer.get("flow", 0)),
                       number(layer.get("len", len(payload))), number(layer["next"]), number(layer.get("hops", 64))) + \
        address(layer["src"]).packed + address(layer["dst"]).packed + payload


def build_extension(layer, _, payload):
    if layer["layer"] == "frag":
        word = number(layer.get("off", 0)) & 0xFFF8 | number(layer.get("mf", 0))
        return struct.pack("!BBHI", number(layer["next"]), 0, word, number(layer.get("id", DEFAULTS["id"]))) + payload
    body = bytes.fromhex(layer.get("raw", ""))
    if layer["layer"] == "routing":
        body = struct.pack("!BB", number(layer.get("type", 0)), number(layer.get("left", 0))) + body
    missing = -(2 + len(body)) % 8
    body += b"\0" * missing if layer["layer"] == "routing" or missing == 1 else b"\1" + bytes([missing - 2]) + b"\0" * (missing - 2) if missing else b""
    return struct.pack("!BB", number(layer["next"]), number(layer.get("len", (2 + len(body)) // 8 - 1))) + body + payload


def build_eth(layer, _, payload):
    return mac(layer.get("dst", OWN_MAC)) + mac(layer.get("src", PEER_MAC)) + struct.pack("!H", number(layer["type"])) + payload


def build_option(layer, _, payload):
    """Of neighbour discovery: the address of a card, a prefix, an MTU."""
    if layer["layer"] == "mac":
        return bytes([number(layer.get("kind", 1)), 1]) + mac(layer.get("mac", PEER_MAC)) + payload
    if layer["layer"] == "linkmtu":
        return struct.pack("!BBHI", 5, 1, 0, number(layer["mtu"])) + payload
    return struct.pack("!BBBBIII", 3, 4, number(layer.get("bits", 64)), number(layer.get("flags", 0xC0)), number(layer["valid"]) & 0xFFFFFFFF,
                       number(layer["preferred"]) & 0xFFFFFFFF, 0) + address(layer["net"]).packed + payload


DHCP_OPTIONS = {"type": (53, "B"), "server": (54, "A"), "mask": (1, "A"), "router": (3, "A"), "names": (6, "A"), "lease": (51, "I"),
                "renewal": (58, "I"), "rebinding": (59, "I"), "requested": (50, "A"), "linkmtu": (26, "H")}


def build_dhcp(layer, _, payload):
    head = struct.pack("!BBBBIHH", number(layer.get("op", 2)), 1, 6, 0, number(layer["xid"]) % 2**32, 0, 0)
    head += address(layer.get("ciaddr", "0.0.0.0")).packed + address(layer.get("yiaddr", "10.0.0.99")).packed + b"\0" * 8
    head += mac(layer.get("chaddr", OWN_MAC)) + b"\0" * 10 + b"\0" * 192 + bytes.fromhex(layer.get("magic", "63825363"))
    for name, (code, kind) in DHCP_OPTIONS.items():
        if name in layer:
            value = address(layer[name]).packed if kind == "A" else struct.pack("!" + kind, number(layer[name]))
            head += bytes([code, len(value)]) + value
    head += bytes.fromhex(layer.get("raw", ""))
    return head + (b"\xff" if "open" not in layer else b"") + payload


def take_dhcp(data):
    layer = {"layer": "dhcp", "op": data[0], "xid": struct.unpack("!I", data[4:8])[0], "secs": data[8] << 8 | data[9],
             "ciaddr": str(ipaddress.ip_address(data[12:16])), "chaddr": data[28:34].hex(":"), "magic": data[236:240].hex()}
    names, at = {code: (name, kind) for name, (code, kind) in DHCP_OPTIONS.items()}, 240
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        value = data[at + 2:at + 2 + data[at + 1]]
        name, kind = names.get(data[at], (str(data[at]), ""))
        layer[name] = str(ipaddress.ip_address(value)) if kind == "A" else int.from_bytes(value, "big") if kind else value.hex()
        at += 2 + data[at + 1]
    return layer, None, b""


def build_data(layer, _, payload):
    if layer["layer"] == "raw":
        return bytes.fromhex(layer["bytes"]) + payload
    first = number(layer.get("from", 0))
    return bytes((first + i) % 251 for i in range(number(layer["bytes"]))) + payload


BUILDERS = {"eth": build_eth, "arp": build_arp, "ip": build_ip, "ip6": build_ip6, "icmp": build_icmp, "icmp6": build_icmp, "udp": build_udp,
            "tcp": build_tcp, "dhcp": build_dhcp, "mac": build_option, "prefix": build_option, "linkmtu": build_option, "data": build_data, "raw": build_data} | dict.fromkeys(EXTENSIONS, build_extension)


def multicast_mac(layer):
    where = address(layer["dst"])
    if where.version == 6 and where.is_multicast:
        return "3333" + where.packed[12:].hex()
    return "ff" * 6 if str(where) in ("255.255.255.255", "10.0.0.255") else None


def fill(layers):
    """What a layer can know of its neighbours: numbers of protocols and the frame's addresses. In place."""
    for outer, inner in zip(layers, layers[1:] + [{"layer": "none"}]):
        name = inner["layer"]
        if outer["layer"] == "ip":
            outer.setdefault("proto", PROTOCOLS.get(name, 253))
        elif outer["layer"] == "ip6" or outer["layer"] in EXTENSIONS:
            outer.setdefault("next", PROTOCOLS.get(name, 59 if name == "none" else 253))
        elif outer["layer"] == "eth":
            outer.setdefault("type", ETHERTYPES.get(name, 0x88B5))
            if name in ("ip", "ip6") and multicast_mac(inner):
                outer.setdefault("dst", multicast_mac(inner))


def build(layers):
    fill(layers)
    networks, network = [], None
    for layer in layers:
        network = layer if layer["layer"] in ("ip", "ip6") else network
        networks.append(network)
    payload = b""
    for layer, network in zip(reversed(layers), reversed(networks)):
        payload = BUILDERS[layer["layer"]](layer, network, payload)
    return payload


def fragment(layers, start, end, fields):
    """The layers (eth, ip or ip6, ...) as one fragment with bytes [start, end) of what lies behind the network header. "keep": how many
    extension headers stay in front of the fragment's."""
    fill(layers)
    keep = int(fields.pop("keep", 0))
    head, rest = layers[:2 + keep], layers[2 + keep:]
    whole = build([dict(layer) for layer in layers])
    before = len(build([dict(layer) for layer in head]))
    body = whole[before:]
    more = {"off": start, "mf": int(end < len(body))} | fields
    piece = {"layer": "raw", "bytes": body[start:end].hex()}
    if head[1]["layer"] == "ip":
        return build([head[0], head[1] | more, piece])
    last = dict(head[-1])
    return build(head[:-1] + [last | {"next": 44}, {"layer": "frag", "next": more.pop("next", last["next"])} | more, piece])


def shortened(frame):
    """What is left of a frame, with lengths that say so, and a right sum of IPv4's header and UDP's."""
    data = bytearray(frame)
    six = data[12:14] == b"\x86\xdd"
    at = 54 if six else 34
    if len(data) < at:
        return frame
    struct.pack_into("!H", data, 18 if six else 16, len(data) - (54 if six else 14))
    if not six:
        data[24:26] = b"\0\0"
        struct.pack_into("!H", data, 24, checksum(bytes(data[14:34])))
    if data[20 if six else 23] == 17 and len(data) >= at + 8:
        struct.pack_into("!HH", data, at + 4, len(data) - at, 0)
    return bytes(data)


# --- taking apart
def take_tcp(data):
    sport, dport, seq, ack, offset, flags, win, total, urg = struct.unpack("!HHIIBBHHH", data[:20])
    length = (offset >> 4) * 4
    letters = "".join(letter for letter in "FSRPEWU." if FLAGS[letter] & flags)
    return {"layer": "tcp", "sport": sport, "dport": dport, "seq": seq, "ack": ack, "flags": letters, "win": win, "sum": total, "urg": urg,
            "options": take_tcp_options(data[20:length]), "length": len(data) - length}, None, data[length:]


def take_tcp_options(data):
    """{name: words}; the order under "order"."""
    found, at = {"order": []}, 0
    while at < len(data) and data[at] != 0:
        kind = data[at]
        length = 1 if kind == 1 else data[at + 1]
        if length == 0 or (kind != 1 and length < 2):
            break
        value = data[at + 2:at + length]
        name = TCP_OPTIONS.get(kind, str(kind))
        found["order"].append(name)
        if kind == 5:
            found[name] = list(struct.iter_unpack("!II", value))
        elif kind != 1:
            found[name] = {2: lambda value: struct.unpack("!H", value), 3: tuple, 8: lambda value: struct.unpack("!II", value)}.get(
                kind, lambda value: (value.hex(),))(value)
        at += length
    return found


def take_ip(data):
    length = (data[0] & 15) * 4
    total, ident, word, ttl, proto = struct.unpack("!HHHBB", data[2:10])
    layer = {"layer": "ip", "version": data[0] >> 4, "ihl": length // 4, "tos": data[1], "len": total, "id": ident, "off": (word & 0x1FFF) * 8,
             "mf": word >> 13 & 1, "df": word >> 14 & 1, "ttl": ttl, "proto": proto, "src": str(address(ipaddress.ip_address(data[12:16]))),
             "dst": str(ipaddress.ip_address(data[16:20])), "options": data[20:length].hex()}
    names = {number: name for name, number in PROTOCOLS.items() if name in ("icmp", "tcp", "udp")}
    return layer, names.get(proto) if layer["off"] == 0 else None, data[length:total]


def take_ip6(data):
    word, length, following, hops = struct.unpack("!IHBB", data[:8])
    layer = {"layer": "ip6", "version": word >> 28, "tc": word >> 20 & 255, "flow": word & 0xFFFFF, "len": length, "next": following, "hops": hops,
             "src": str(ipaddress.ip_address(data[8:24])), "dst": str(ipaddress.ip_address(data[24:40]))}
    return layer, next_v6(following), data[40:40 + length]


def next_v6(following):
    return {number: name for name, number in PROTOCOLS.items() if name != "icmp"}.get(following)


def take_frag(data):
    following, _, word, ident = struct.unpack("!BBHI", data[:8])
    return {"layer": "frag", "next": following, "off": word & 0xFFF8, "mf": word & 1, "id": ident}, next_v6(following) if word < 8 else None, data[8:]


def take_icmp(data):
    return {"layer": "icmp", "type": data[0], "code": data[1], "rest": data[4:8].hex(), "id": data[4] << 8 | data[5], "seq": data[6] << 8 | data[7],
            "mtu": struct.unpack("!I", data[4:8])[0], "pointer": data[4]}, "ip" if data[0] in (3, 4, 5, 11, 12) else None, data[8:]


def take_icmp6(data):
    layer, _, rest = take_icmp(data)
    layer |= {"layer": "icmp6", "pointer": layer["mtu"]}
    if data[0] in (135, 136, 137):
        layer["target"] = str(ipaddress.ip_address(rest[:16]))
        rest = rest[16:]
    return layer, "ip6" if data[0] < 128 else None, rest


def take_udp(data):
    sport, dport, length, total = struct.unpack("!HHHH", data[:8])
    return {"layer": "udp", "sport": sport, "dport": dport, "len": length, "sum": total}, "dhcp" if dport == 67 else None, data[8:length]


def take_arp(data):
    htype, ptype, hlen, plen, op = struct.unpack("!HHBBH", data[:8])
    return {"layer": "arp", "htype": htype, "ptype": ptype, "hlen": hlen, "plen": plen, "op": op, "sha": data[8:14].hex(":"),
            "spa": str(ipaddress.ip_address(data[14:18])), "tha": data[18:24].hex(":"), "tpa": str(ipaddress.ip_address(data[24:28]))}, None, b""


def take_extension(name):
    def take(data):
        length = 8 + 8 * data[1]
        return {"layer": name, "next": data[0], "raw": data[2:length].hex()}, next_v6(data[0]), data[length:]
    return take


TAKERS = {"ip": take_ip, "ip6": take_ip6, "icmp": take_icmp, "icmp6": take_icmp6, "tcp": take_tcp, "udp": take_udp, "arp": take_arp, "dhcp": take_dhcp, "frag": take_frag,
          "hop": take_extension("hop"), "routing": take_extension("routing"), "destination": take_extension("destination")}


def dissect(frame):
    layers = [{"layer": "eth", "dst": frame[:6].hex(":"), "src": frame[6:12].hex(":"), "type": frame[12] << 8 | frame[13]}]
    name = {number: name for name, number in ETHERTYPES.items()}.get(layers[0]["type"])
    data = frame[14:]
    while name:
        try:
            layer, name, data = TAKERS[name](data)
        except (struct.error, IndexError, ValueError):
            break  # a quotation, cut short
        layers.append(layer)
    layers.append({"layer": "data", "bytes": len(data), "content": data})
    return layers


def sums_are_right(frame):
    """Of the frame's own headers, not of what they quote; fragments are not looked into."""
    layers = dissect(frame)
    names = [layer["layer"] for layer in layers]
    if len(names) < 3 or names[1] not in ("ip", "ip6"):
        return True
    network, data = layers[1], frame[14:]
    if names[1] == "ip" and (checksum(data[:network["ihl"] * 4]) != 0 or network["len"] != len(data)):
        return False
    if names[1] == "ip6" and network["len"] + 40 != len(data):
        return False
    at = network["ihl"] * 4 if names[1] == "ip" else 40
    if network.get("mf") or network.get("off") or names[2] not in ("tcp", "udp", "icmp", "icmp6"):
        return True
    body = data[at:]
    head = b"" if names[2] == "icmp" else pseudo(network, PROTOCOLS[names[2]], len(body))
    return checksum(head + body) == 0
