-- For tshark: the field `outside.window` is set on a segment with bytes beyond what its receiver had offered (RFC 9293 section 3.8.6). One byte
-- at a closed window is a probe. `outside.ack`: it acknowledges what its receiver never sent. Segments with a bad sum say nothing.
local fields = {}
for name, field in pairs({ack = "tcp.ack_raw", window = "tcp.window_size_value", seq = "tcp.seq_raw", length = "tcp.len",
                          source = "tcp.srcport", status = "tcp.checksum.status", syn = "tcp.flags.syn", has_ack = "tcp.flags.ack",
                          reset = "tcp.flags.reset", fin = "tcp.flags.fin", shift = "tcp.options.wscale.shift", v4 = "ip.src", v6 = "ipv6.src",
                          destination = "tcp.dstport", sum = "tcp.checksum", to_v4 = "ip.dst", to_v6 = "ipv6.dst"}) do
    fields[name] = Field.new(field)
end
local mine = Proto("outside", "Outside of what a TCP peer offered or sent")
local window_field = ProtoField.uint32("outside.window", "Bytes beyond the window")
local ack_field = ProtoField.uint32("outside.ack", "Bytes acknowledged that were not sent")
mine.fields = {window_field, ack_field}
local connections, verdicts = {}, {}

local function value(name)
    local field = fields[name]()
    return field and field.value
end

local function beyond(a, b) -- a - b of sequence numbers
    local distance = (a - b) % 4294967296
    return distance >= 2147483648 and distance - 4294967296 or distance
end

-- The two sides of the connection: the sender's, and the other if it has been seen. Each: the window's right edge, the end of what it sent, its scale.
-- By their names: a damaged SYN makes tshark believe in another stream.
local function sides_of(from, to)
    local pair = from < to and from .. " " .. to or to .. " " .. from
    local connection = connections[pair] or {}
    connections[pair] = connection
    connection[from] = connection[from] or {}
    for name, side in pairs(connection) do
        if name ~= from then
            return connection[from], side
        end
    end
    return connection[from], {}
end

-- Linux writes a sum of 0 as 0xffff, which is as good; tshark calls it bad.
local function is_damaged()
    return value("status") == 0 and value("sum") ~= 0xffff
end

local function look()
    if not value("source") or is_damaged() then
        return {}
    end
    local mine_side, other = sides_of(tostring(value("v4") or value("v6")) .. "/" .. value("source"),
                                      tostring(value("to_v4") or value("to_v6")) .. "/" .. value("destination"))
    local seq, ack, length, syn, reset = value("seq"), value("ack"), value("length"), value("syn"), value("reset")
    local found = {}
    if reset then
        return found
    end
    if other.edge and length > 0 and beyond(seq + length, other.edge) > 1 then
        found.window = beyond(seq + length, other.edge)
    end
    if other.last and value("has_ack") and not syn and beyond(ack, other.last) > 0 then
        found.ack = beyond(ack, other.last)
    end
    local last = (seq + length + (syn and 1 or 0) + (value("fin") and 1 or 0)) % 4294967296
    if syn and mine_side.first ~= seq then -- one that is repeated says nothing new
        mine_side.first, mine_side.last, mine_side.shift, mine_side.edge = seq, last, value("shift"), nil
    elseif not mine_side.last or beyond(last, mine_side.last) > 0 then
        mine_side.last = last
    end
    if value("has_ack") then
        local scaled = value("window")
        if not syn and mine_side.shift and other.shift then
            scaled = scaled * 2 ^ mine_side.shift
        end
        local edge = (ack + scaled) % 4294967296
        if not mine_side.edge or beyond(edge, mine_side.edge) > 0 then
            mine_side.edge = edge
        end
    end
    return found
end

function mine.dissector(_, info, tree)
    if not info.visited then
        verdicts[info.number] = look()
    end
    local found = verdicts[info.number] or {}
    if found.window then
        tree:add(window_field, found.window)
    end
    if found.ack then
        tree:add(ack_field, found.ack)
    end
end
register_postdissector(mine)
