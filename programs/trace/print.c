// See print.h. Methods and their words are decoded by the tables made from the .idl files (libipc/trace).
#include "programs/trace/print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/trace/table.h"
#include "programs/trace/requests.h"

enum { WORDS = 6, LENT_BYTES = 24, NAME_BYTES = 48, TEXT_BYTES = 400 };

// What the records behind one say: words of the message, the first bytes of the lent buffer.
struct payload {
    uint64_t words[WORDS];
    uint32_t word_count;
    char lent[LENT_BYTES];
    uint32_t lent_length;
};

static void three_words(const struct trace_record *record, uint64_t words[3]) {
    words[0] = record->time;
    memcpy(&words[1], &record->process, sizeof(words[1]));
    words[2] = record->value;
}

static void payload_read(const struct trace *trace, uint64_t index, struct payload *payload) {
    uint64_t words[3];
    *payload = (struct payload){0};
    for (index++; index < trace->header.record_count && trace_is_continuation(&trace->records[index]); index++) {
        const struct trace_record *record = &trace->records[index];
        three_words(record, words);
        if (record->event == TRACE_EVENT_WORDS && record->code + 3 <= WORDS) {
            memcpy(&payload->words[record->code], words, sizeof(words));
            payload->word_count = record->code + 3u;
        } else if (record->event == TRACE_EVENT_LENT) {
            memcpy(payload->lent, words, sizeof(words));
            payload->lent_length = record->code < LENT_BYTES ? record->code : LENT_BYTES;
        }
    }
}

static const char *name_of(const struct trace *trace, uint32_t process, char text[NAME_BYTES]) {
    const struct trace_name *name = trace_name_find(trace, process);
    if (process == 0)
        snprintf(text, NAME_BYTES, "-");
    else if (!name)
        snprintf(text, NAME_BYTES, "?%u", process);
    else if (name->id)
        snprintf(text, NAME_BYTES, "%.32s[%u]", name->name, name->id);
    else
        snprintf(text, NAME_BYTES, "%.32s", name->name);
    return text;
}

static const char *status_text(uint16_t code, char text[NAME_BYTES]) {
    static const struct {
        int value;
        const char *name;
    } errors[] = {
#define ENTRY(name, value, sentence) {value, #name},
        ERROR_LIST(ENTRY)
#undef ENTRY
    };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].value == (int16_t)code)
            return errors[i].name;
    snprintf(text, NAME_BYTES, code ? "status %d" : "ok", (int16_t)code);
    return text;
}

static const char *method_name(uint16_t code, char text[NAME_BYTES]) {
    static const char *const events[] = {"", "session closed", "cancel", "fault", "exit", "page"};
    const struct trace_method *method = trace_method_find(code);
    if (code < sizeof(events) / sizeof(events[0]))
        snprintf(text, NAME_BYTES, "kernel's %s", events[code]);
    else if (method)
        snprintf(text, NAME_BYTES, "%s.%s", method->protocol, method->name);
    else
        snprintf(text, NAME_BYTES, "%u.%u", code >> 8, code & 0xff);
    return text;
}

static void print_lent(const struct payload *payload) {
    if (payload->lent_length == 0)
        return;
    printf(" \"");
    for (uint32_t i = 0; i < payload->lent_length; i++)
        if (isprint((unsigned char)payload->lent[i]))
            putchar(payload->lent[i]);
        else
            printf("\\x%02x", (unsigned char)payload->lent[i]);
    printf(payload->lent_length == LENT_BYTES ? "\"..." : "\"");
}

// A small buffer travels in the message itself.
static void take_carried(const struct trace_record *record, struct payload *payload) {
    const struct trace_method *method = trace_method_find(record->code);
    uint32_t at = 0;
    if (!method || !method->carries || payload->lent_length)
        return;
    for (uint32_t i = 0; i < method->args; i++)
        at += method->arg_fields[i].words;
    if (at >= payload->word_count || payload->words[at] > method->carries || payload->words[at] > LENT_BYTES)
        return;
    payload->lent_length = (uint32_t)payload->words[at];
    if (at + 1 + (payload->lent_length + 7) / 8 <= WORDS)
        memcpy(payload->lent, &payload->words[at + 1], payload->lent_length);
}

static void print_call(const struct trace_record *record, struct payload *payload, const char *verb) {
    char text[TEXT_BYTES];
    take_carried(record, payload);
    if (record->code >> 8)
        (void)trace_request_print(text, sizeof(text), record->code, payload->words, payload->word_count);
    else
        (void)method_name(record->code, text);
    printf("%-9s %s", verb, text);
    print_lent(payload);
}

// The record before says that the request is handed on.
static bool was_forwarded(const struct trace_record *record) {
    struct traced_request *request = request_of(record);
    bool forwarded = request && request->forwarded;
    if (forwarded) {
        request->forwarded = false;
        request->method = record->code;
    }
    return forwarded;
}

static void print_request(const struct trace *trace, const struct trace_record *record, struct payload *payload) {
    struct traced_request *request = request_of(record);
    char text[TEXT_BYTES], caller[NAME_BYTES], status[NAME_BYTES];
    const char *who = name_of(trace, request ? request->caller : 0, caller);
    const char *what = method_name(request ? request->method : 0, text);
    switch (record->event) {
    case TRACE_EVENT_CALL: // behind a FORWARD, or a thread's own, or through a call object
        print_call(record, payload, was_forwarded(record) ? "forwards" : record->thread == record->other ? "calls" : "sends");
        break;
    case TRACE_EVENT_RECEIVE:
        printf("%-9s %s of %s", "takes", method_name(record->code, text), who);
        break;
    case TRACE_EVENT_REPLY:
        printf("%-9s %s of %s: %s ", "answers", what, who, status_text(record->code, status));
        if (record->code == 0 && request) {
            (void)trace_reply_print(text, sizeof(text), request->method, payload->words, payload->word_count);
            printf("%s", text);
        }
        break;
    case TRACE_EVENT_FINISH:
        printf("%-9s %s of %s: %s", "ends", what, who, status_text(record->code, status));
        break;
    case TRACE_EVENT_CANCEL:
        printf("%-9s %s of %s", "cancels", what, who);
        break;
    default: // TRACE_EVENT_ANSWER
        printf("%-9s the answer of %s: %s", "takes", what, status_text(record->code, status));
        break;
    }
    if (record->other)
        printf("  #%u.%llu", record->other, (unsigned long long)record->value);
}

static void print_other(const struct trace_record *record, struct payload *payload) {
    static const char *const kinds[] = {"none",         "process", "thread", "endpoint", "session", "reply", "call",
                                        "notification", "memory",  "irq",    "ioport",   "account", "kernel"};
    const char *kind = record->code < sizeof(kinds) / sizeof(kinds[0]) ? kinds[record->code] : "object";
    unsigned long long value = record->value;
    char status[NAME_BYTES];
    switch (record->event) {
    case TRACE_EVENT_INVOKE:
        print_call(record, payload, "does");
        printf(" on slot %llu: %s", value, status_text((uint16_t)record->other, status));
        break;
    case TRACE_EVENT_SIGNAL:
        printf("%-9s notification %u, bits 0x%llx", "signals", record->other, value);
        break;
    case TRACE_EVENT_TAKE:
        printf("%-9s bits 0x%llx of notification %u", "takes", value, record->other);
        break;
    case TRACE_EVENT_SWITCH:
        printf(record->thread ? "%-9s thread %u" : "%-9s", record->thread ? "runs" : "idles", record->thread);
        break;
    case TRACE_EVENT_WAKE:
        printf("%-9s thread %u", "wakes", record->other);
        break;
    case TRACE_EVENT_FAULT:
        printf("%-9s exception %u, code 0x%x, at 0x%llx", "faults", record->code, record->other, value);
        break;
    case TRACE_EVENT_INTERRUPT:
        printf("%-9s vector %u", "interrupt", record->code);
        break;
    case TRACE_EVENT_IRQ:
        printf("%-9s vector %u to notification %u, bits 0x%llx", "interrupt", record->code, record->other, value);
        break;
    case TRACE_EVENT_MAP:
        printf("%-9s %u pages at 0x%llx, %s%s%s", "maps", record->other, value, record->code & MAP_FLAG_READ ? "r" : "-",
               record->code & MAP_FLAG_WRITE ? "w" : "-", record->code & MAP_FLAG_EXECUTE ? "x" : "-");
        break;
    case TRACE_EVENT_UNMAP:
        printf("%-9s %u pages at 0x%llx", "unmaps", record->other, value);
        break;
    case TRACE_EVENT_CREATE:
        printf("%-9s %s %u, %llu bytes", "creates", kind, record->other, value);
        break;
    case TRACE_EVENT_END:
        printf("%-9s %s %u", "ends", kind, record->other);
        break;
    case TRACE_EVENT_SAMPLE:
        printf("%-9s 0x%llx%s", "sample", value, record->code ? " in the kernel" : "");
        break;
    default:
        printf("event %u", record->event);
        break;
    }
}

static bool is_shown(const struct trace_record *record, uint32_t process, uint32_t tracer) {
    const struct traced_request *request = request_of(record);
    if (record->process == tracer && tracer)
        return false;
    if (request && request->caller == tracer && tracer)
        return false;
    return process == 0 || record->process == process || (request && request->concerns);
}

static uint64_t nanoseconds(const struct trace *trace, uint64_t ticks) {
    return (uint64_t)((unsigned __int128)ticks * trace->header.multiplier >> trace->header.shift);
}

void trace_print(const struct trace *trace, uint32_t process, uint32_t tracer) {
    struct payload payload;
    char name[NAME_BYTES];
    uint64_t first = 0;
    requests_collect(trace, process);
    printf("%12s %3s  %-18s %s\n", "MICROSECONDS", "CPU", "WHO", "WHAT");
    for (uint64_t i = 0; i < trace->header.record_count; i++) {
        const struct trace_record *record = &trace->records[i];
        struct traced_request *request = request_of(record);
        if (record->event == TRACE_EVENT_FORWARD && request)
            request->forwarded = true; // and a CALL follows
        if (trace_is_continuation(record) || record->event == TRACE_EVENT_FORWARD || !is_shown(record, process, tracer))
            continue;
        first = first ? first : record->time;
        uint64_t time = nanoseconds(trace, record->time - first);
        printf("%10llu.%u %3u  %-18s ", (unsigned long long)time / 1000, (unsigned)(time % 1000 / 100), record->cpu,
               name_of(trace, record->process, name));
        payload_read(trace, i, &payload);
        if (record->event <= TRACE_EVENT_ANSWER)
            print_request(trace, record, &payload);
        else
            print_other(record, &payload);
        putchar('\n');
    }
    if (trace->header.lost)
        printf("%llu older records were lost\n", (unsigned long long)trace->header.lost);
}

void trace_reduce(struct trace *trace, uint32_t process, uint32_t tracer) {
    uint64_t kept = 0;
    bool shown = false;
    requests_collect(trace, process);
    for (uint64_t i = 0; i < trace->header.record_count; i++) {
        const struct trace_record *record = &trace->records[i];
        if (!trace_is_continuation(record))
            shown = is_shown(record, process, tracer);
        if (shown)
            trace->records[kept++] = *record;
    }
    trace->header.record_count = kept;
}
