"""A strict reader of protobuf for the part of Perfetto's schema that a trace here may use. Numbers and types are those of the
published files: github.com/google/perfetto, protos/perfetto/trace/trace.proto, trace_packet.proto and, below track_event/,
track_event.proto, track_descriptor.proto, process_descriptor.proto, thread_descriptor.proto, debug_annotation.proto. A field that
is not listed, has another wire type, or stands twice without being repeated is an error."""

VARINT, FIXED64, BYTES = 0, 1, 2

# field number: (name, type, repeated); a type is a wire kind or the name of a message
MESSAGES = {
    "Trace": {1: ("packet", "TracePacket", True)},
    "TracePacket": {8: ("timestamp", "uint64", False), 10: ("trusted_packet_sequence_id", "uint32", False),
                    11: ("track_event", "TrackEvent", False), 60: ("track_descriptor", "TrackDescriptor", False)},
    "TrackDescriptor": {1: ("uuid", "uint64", False), 2: ("name", "string", False), 3: ("process", "ProcessDescriptor", False),
                        4: ("thread", "ThreadDescriptor", False), 5: ("parent_uuid", "uint64", False)},
    "ProcessDescriptor": {1: ("pid", "int32", False), 6: ("process_name", "string", False)},
    "ThreadDescriptor": {1: ("pid", "int32", False), 2: ("tid", "int32", False), 5: ("thread_name", "string", False)},
    "TrackEvent": {4: ("debug_annotations", "DebugAnnotation", True), 9: ("type", "Type", False), 11: ("track_uuid", "uint64", False),
                   22: ("categories", "string", True), 23: ("name", "string", False), 47: ("flow_ids", "fixed64", True),
                   48: ("terminating_flow_ids", "fixed64", True)},
    "DebugAnnotation": {3: ("uint_value", "uint64", False), 6: ("string_value", "string", False), 10: ("name", "string", False)},
}
LIMITS = {"uint32": 1 << 32, "int32": 1 << 31, "uint64": 1 << 64, "Type": 5}  # Type: up to TYPE_COUNTER


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        assert shift < 70, "a number of more than ten bytes"


def value_of(kind, wire, data, at):
    if kind in LIMITS:
        assert wire == VARINT, f"a {kind} with wire type {wire}"
        value, at = varint(data, at)
        assert value < LIMITS[kind], f"{value} is no {kind}"
        return value, at
    if kind == "fixed64":
        assert wire == FIXED64 and at + 8 <= len(data), "a fixed64"
        return int.from_bytes(data[at:at + 8], "little"), at + 8
    assert wire == BYTES, f"a {kind} with wire type {wire}"
    length, at = varint(data, at)
    assert at + length <= len(data), f"a {kind} that is cut short"
    body = data[at:at + length]
    return (body.decode() if kind == "string" else parse(kind, body)), at + length


def parse(message, data):
    """The fields of a message: {name: value, or a list of them}."""
    fields = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        assert key >> 3 in MESSAGES[message], f"{message} has no field {key >> 3}"
        name, kind, repeated = MESSAGES[message][key >> 3]
        value, at = value_of(kind, key & 7, data, at)
        if repeated:
            fields.setdefault(name, []).append(value)
        else:
            assert name not in fields, f"{message}.{name} twice"
            fields[name] = value
    return fields
