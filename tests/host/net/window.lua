-- For tshark: the field `outside.window` is set on a segment with bytes beyond what its receiver had offered (RFC 9293 section 3.8.6). One byte
-- at a closed window is a probe. `outside.ack`: it acknowledges what its receiver never sent. Segments with a bad sum say nothing.
local stream, ack, window = Field.new("tcp.stream"), Field.new("tcp.ack_raw"), Field.new("tcp.window_size_value")
local seq, length, source, status = Field.new("tcp.seq_raw"), Field.new("tcp.len"), Field.new("tcp.srcport"), Field.new("tcp.checksum.status")
local syn, has_ack, reset, shift = Field.new("tcp.flags.syn"), Field.new("tcp.flags.ack"), Field.new("tcp.flags.reset"), Field.new("tcp.options.wscale.shift")
local fin = Field.new("tcp.flags.fin")
local mine = Proto("outside", "Bytes outside of the window")
local field = ProtoField.uint32("outside.window", "Bytes beyond the window")
local ack_field = ProtoField.uint32("outside.ack", "Bytes acknowledged that were not sent")
mine.fields = {field, ack_field}
local edges, shifts, ends, verdicts, ack_verdicts = {}, {}, {}, {}, {}

local function beyond(a, b) -- a - b of sequence numbers
    local distance = (a - b) % 4294967296
    return distance >= 2147483648 and distance - 4294967296 or distance
end

local function look(frame)
    if not stream() or (status() and status().value == 0) then
        return nil
    end
    local from = source().value
    local key, other = stream().value .. "/" .. from, nil
    for name in pairs(edges) do
        if name ~= key and name:match("^" .. stream().value .. "/") then
            other = name
        end
    end
    local result
    if other and length().value > 0 and not reset().value then
        local over = beyond(seq().value + length().value, edges[other])
        if over > 1 then
            result = over
        end
    end
    if other and ends[other] and has_ack().value and not syn().value and not reset().value and beyond(ack().value, ends[other]) > 0 then
        ack_verdicts[frame] = beyond(ack().value, ends[other])
    end
    local last = (seq().value + length().value + (syn().value and 1 or 0) + (fin().value and 1 or 0)) % 4294967296
    if not reset().value and (syn().value or not ends[key] or beyond(last, ends[key]) > 0) then
        ends[key] = last
    end
    if syn().value then
        shifts[key] = shift() and shift().value or nil
        edges[key] = nil
    end
    if has_ack().value and not reset().value then
        local scaled = window().value
        if not syn().value and shifts[key] and other and shifts[other] then
            scaled = scaled * 2 ^ shifts[key]
        end
        local edge = (ack().value + scaled) % 4294967296
        if not edges[key] or beyond(edge, edges[key]) > 0 then
            edges[key] = edge
        end
    end
    return result
end

function mine.dissector(buffer, info, tree)
    if not info.visited then
        verdicts[info.number] = look(info.number)
    end
    if verdicts[info.number] then
        tree:add(field, verdicts[info.number])
    end
    if ack_verdicts[info.number] then
        tree:add(ack_field, ack_verdicts[info.number])
    end
end
register_postdissector(mine)
