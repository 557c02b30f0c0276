// /status.json; see status.h. Numbers are exact; names come from the manifest and are escaped all the same.
#include "programs/httpd/status.h"

#include <string.h>

#include "programs/httpd/connection.h"
#include "programs/httpd/status_source.h"

static void text_append(struct buffer *out, const char *text, size_t length) {
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            buffer_format(out, "\\%c", byte);
        else if (byte < 0x20)
            buffer_format(out, "\\u%04x", byte);
        else
            buffer_append_byte(out, (char)byte);
    }
    buffer_append_byte(out, '"');
}

static void number_append(struct buffer *out, const char *name, uint64_t value) {
    buffer_format(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

static void machine_append(struct buffer *out) {
    struct status_machine machine;
    if (!status_machine_read(&machine))
        return;
    buffer_append_text(out, "\"machine\":{");
    number_append(out, "uptime_ms", machine.uptime_ms);
    number_append(out, "total_bytes", machine.total_bytes);
    number_append(out, "free_bytes", machine.free_bytes);
    number_append(out, "kernel_bytes", machine.kernel_bytes);
    number_append(out, "processes", machine.processes);
    number_append(out, "threads", machine.threads);
    number_append(out, "messages", machine.messages);
    number_append(out, "switches", machine.switches);
    number_append(out, "interrupts", machine.interrupts);
    number_append(out, "idle_ms", machine.idle_ms);
    buffer_format(out, "\"cpus\":%llu},", (unsigned long long)machine.cpus);
}

static void role_append(struct buffer *out, const struct status_role *role) {
    buffer_append_text(out, "{\"name\":");
    text_append(out, role->name, strlen(role->name));
    buffer_format(out, ",\"state\":\"%s\",\"last_end\":\"%s\",", role->state, role->cause);
    number_append(out, "restarts", role->restarts);
    number_append(out, "recovery_us", role->recovery_us);
    number_append(out, "queued", role->queued);
    number_append(out, "uptime_ms", role->uptime_ms);
    number_append(out, "memory_bytes", role->memory_bytes);
    number_append(out, "cpu_us", role->cpu_us);
    number_append(out, "priority", role->priority);
    buffer_append_text(out, "\"calls\":[");
    for (size_t at = 0; at < role->calls.length;) {
        size_t length = strcspn(role->calls.data + at, "\n");
        if (at != 0)
            buffer_append_byte(out, ',');
        text_append(out, role->calls.data + at, length);
        at += length + 1;
    }
    buffer_append_text(out, "]}");
}

void status_json(struct buffer *out) {
    struct status_role role;
    uint64_t cursor = 0;
    buffer_append_byte(out, '{');
    machine_append(out);
    buffer_append_text(out, "\"httpd\":{");
    number_append(out, "requests", server.counts.requests);
    number_append(out, "connections", server.counts.connections);
    number_append(out, "bytes", server.counts.bytes);
    buffer_format(out, "\"open\":%u},\"roles\":[", server.counts.open);
    buffer_init(&role.calls);
    for (bool first = true; status_role_next(&cursor, &role); first = false) {
        if (!first)
            buffer_append_byte(out, ',');
        role_append(out, &role);
    }
    buffer_free(&role.calls);
    buffer_append_text(out, "]}\n");
}
