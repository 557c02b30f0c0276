// The serial terminal's device: a session of the serial port. One fiber reads from it, one writes what the
// queue holds. The size of the terminal at the other end is asked for with a cursor report, and the answer
// taken out of what is typed.
#include <stddef.h>
#include <string.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/file.h"
#include "servers/console/size_answer.h"
#include "servers/console/state.h"

enum { READ_BYTES = 256, SEND_BYTES = 4096, RETRY_NANOSECONDS = 100 * 1000 * 1000 };

#define ANYWHERE   UINT64_MAX
#define REST_PAUSE (10 * UINT64_C(1000000))
#define ASK_TIME   (3 * UINT64_C(1000000000))

static struct fiber_wait_queue writer;
static uint32_t flushes; // so that the writing fiber sees that its bytes are gone
static struct size_answer answer;
static uint64_t asked_until;
static bool is_resting;                          // the role goes to another build: no call begins
static const struct fiber *reading, *sending;    // with a call under way; NULL: none
static struct fiber_wait_queue at_rest, settled; // the fibers then; who waits for them

static struct terminal *terminal(void) {
    return &console.terminals[TERMINAL_SERIAL];
}

void serial_wake(void) {
    fiber_wake_all(&writer);
}

void serial_flushed(void) {
    flushes++;
}

// Far to the lower right, where the cursor stops at the edge; then back.
void serial_ask_size(void) {
    static const char question[] = "\0337\033[999;999H\033[6n\0338";
    size_answer_begin(&answer);
    asked_until = clock_monotonic() + ASK_TIME;
    terminal_put(terminal(), question, sizeof(question) - 1);
}

static void received(const char *bytes, size_t count) {
    char left[READ_BYTES + SIZE_ANSWER_BYTES];
    if (asked_until == 0) {
        terminal_input(terminal(), bytes, count);
        return;
    }
    bool late = clock_monotonic() > asked_until;
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += size_answer_feed(&answer, bytes[i], left + length);
    if (late && !answer.complete)
        length += size_answer_give_up(&answer, left + length);
    terminal_input(terminal(), left, length);
    if (answer.complete && answer.rows > 0 && answer.columns > 0) {
        const struct window_size size = {.rows = answer.rows, .columns = answer.columns};
        error_t ignored = terminal_resize(terminal(), &size);
        (void)ignored; // only screens refuse
    }
    if (late || answer.complete)
        asked_until = 0;
}

// The port's driver is restarted when it fails; until then a call fails now and again.
static void pause_a_while(void) {
    error_t ignored = fiber_sleep_until(clock_monotonic() + RETRY_NANOSECONDS);
    (void)ignored;
}

static void rest_if_asked(void) {
    while (is_resting)
        fiber_wait_always(&at_rest);
}

// What was read or sent is where it belongs.
static void call_settled(const struct fiber **call) {
    *call = NULL;
    fiber_wake_all(&settled);
}

static void read_for_ever(void *argument) {
    (void)argument;
    char bytes[READ_BYTES];
    for (;;) {
        uint64_t count = 0;
        rest_if_asked();
        reading = fiber_current();
        error_t error = file_read(console.serial, ANYWHERE, 0, bytes, sizeof(bytes), &count);
        if (error == ERR_OK)
            received(bytes, count);
        call_settled(&reading);
        if (error == ERR_NO_DEVICE_ADDRESS)
            return; // this machine has no such port
        if (error != ERR_OK && !is_resting)
            pause_a_while();
    }
}

static void write_for_ever(void *argument) {
    (void)argument;
    struct output_queue *output = terminal()->output;
    for (;;) {
        rest_if_asked();
        uint32_t filled = output_filled(output), start = output->head % OUTPUT_BYTES;
        if (filled == 0 || terminal()->state->line.stopped || !terminal()->shown) {
            fiber_wait_always(&writer);
            continue;
        }
        uint32_t before = flushes;
        uint64_t run = filled < OUTPUT_BYTES - start ? filled : OUTPUT_BYTES - start, count = 0;
        if (run > SEND_BYTES)
            run = SEND_BYTES; // so that writers can refill while this is sent
        sending = fiber_current();
        error_t error = file_write(console.serial, ANYWHERE, 0, output->bytes + start, run, &count);
        if (error == ERR_NO_DEVICE_ADDRESS)
            count = run; // nobody will ever see it
        else if (error != ERR_OK && !is_resting)
            pause_a_while();
        if (flushes == before && count <= run)
            output->head += (uint32_t)count;
        call_settled(&sending);
        fiber_wake_all(&terminal()->writers);
        if (terminal_is_drained(terminal()))
            fiber_wake_all(&terminal()->drained);
        stream_notify(&console.state->streams, TERMINAL_SERIAL);
    }
}

error_t serial_start(void) {
    if (console.serial == 0)
        return ERR_OK;
    error_t error = fiber_start(read_for_ever, NULL);
    return error != ERR_OK ? error : fiber_start(write_for_ever, NULL);
}

// A call that has no end by itself is cancelled, and its answer waited for: it may bring bytes all the same.
error_t serial_rest(void) {
    is_resting = true;
    while (is_resting && (reading != NULL || sending != NULL)) {
        fiber_cancel_call(reading);
        fiber_cancel_call(sending);
        error_t error = fiber_wait_until(&settled, clock_monotonic() + REST_PAUSE); // a call may not have been sent yet
        if (error != ERR_OK && error != ERR_DEADLINE)
            return error;
    }
    return is_resting ? ERR_OK : ERR_CANCELLED;
}

void serial_go_on(void) {
    is_resting = false;
    fiber_wake_all(&at_rest);
}

void serial_describe(struct serial_record *record) {
    *record = (struct serial_record){.asked_until = asked_until, .answer = answer};
}

error_t serial_restore(const struct serial_record *record) {
    if (record->answer.held > SIZE_ANSWER_BYTES)
        return ERR_CORRUPT;
    asked_until = record->asked_until;
    answer = record->answer;
    return ERR_OK;
}
