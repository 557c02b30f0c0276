// What console hands to another build of its program (servers/console/handover.c, screen_records.c): all of it arrives, and a
// record that is damaged, too short or too large is refused or does no harm. The devices, pairs and the loop are fakes.
#include "tests/host/cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "servers/console/handover.h"
#include "servers/console/pointer.h"
#include "servers/console/state.h"

enum {
    ROWS = 7,
    COLUMNS = 11,
    HISTORY = 1024,
    RECORDS_BYTES = 1 << 20,
    SCREEN = 2, // that is used
    PAIR = TERMINAL_PAIRS + 3,
    SLOT_KEYS = 70,
    SLOT_WATCH = 71,
    DAMAGE = 0x01010101, // sound for a bool, too much for a size
};

struct console console;
static struct console_state state;
static struct fake {
    struct engine *engines[SCREENS];
    struct renderer_view views[SCREENS];
    struct pair_record pairs[PAIRS];
    struct output_queue queues[PAIRS];
    struct serial_record serial;
    struct pointer_record pointer;
    uint64_t claimed; // bit per slot above 64
    unsigned shown, begun, settled;
} fake;
static unsigned char *memory; // of the records

// --- what console and the loop do otherwise ---

static const struct engine_events no_events;

static struct engine *make_engine(void) {
    struct engine *engine = malloc(sizeof(*engine));
    struct cell *cells = malloc(2 * sizeof(struct cell) * ROWS * COLUMNS);
    engine_initialize(engine, cells, cells + (size_t)ROWS * COLUMNS, ROWS, COLUMNS, malloc(HISTORY), HISTORY, &no_events, NULL);
    return engine;
}

static void drop_engine(struct engine *engine) {
    if (engine == NULL)
        return;
    free(engine->screens[0].cells);
    free(engine->history.bytes);
    free(engine);
}

struct engine *screens_engine(uint32_t unit) {
    return fake.engines[unit];
}

void screens_view(uint32_t unit, struct renderer_view *view) {
    *view = fake.views[unit];
}

error_t screens_make(uint32_t unit, struct engine **engine, struct renderer_view **view) {
    if (fake.engines[unit] == NULL)
        fake.engines[unit] = make_engine();
    *engine = fake.engines[unit];
    *view = &fake.views[unit];
    return ERR_OK;
}

void screen_show(void) {
    fake.shown++;
}

error_t serial_rest(void) {
    return ERR_OK;
}

void serial_describe(struct serial_record *record) {
    *record = fake.serial;
}

error_t serial_restore(const struct serial_record *record) {
    fake.serial = *record;
    return ERR_OK;
}

void pointer_describe(struct pointer_record *record) {
    *record = fake.pointer;
}

error_t pointer_restore(const struct pointer_record *record) {
    fake.pointer = *record;
    return ERR_OK;
}

void pair_describe(uint32_t unit, struct pair_record *record) {
    *record = fake.pairs[unit - TERMINAL_PAIRS];
}

error_t pair_restore(uint32_t unit, const struct pair_record *record) {
    fake.pairs[unit - TERMINAL_PAIRS] = *record;
    console.terminals[unit].output = &fake.queues[unit - TERMINAL_PAIRS];
    return ERR_OK;
}

// A signal that was on its way has arrived.
error_t terminal_settle(struct terminal *terminal) {
    fake.settled += terminal->sent != terminal->raised;
    terminal->sent = terminal->raised;
    return ERR_OK;
}

void handover_claim(cap_t slot) {
    fake.claimed |= UINT64_C(1) << (slot - 64) % 64;
}

void fiber_breathe(void) {}

error_t console_begin(void) {
    fake.begun++;
    return ERR_OK;
}

// --- ---

static void no_echo(void *context, const char *bytes, size_t count) {
    (void)context;
    (void)bytes;
    (void)count;
}

static void no_change(void *context, bool stopped) {
    (void)context;
    (void)stopped;
}

static const struct line_events line_events = {.echo = no_echo, .flow = no_change};

// As an actor is at its start.
static void start(void) {
    for (uint32_t unit = 0; unit < SCREENS; unit++)
        drop_engine(fake.engines[unit]);
    memset(&fake, 0, sizeof(fake));
    memset(&console, 0, sizeof(console));
    memset(&state, 0, sizeof(state));
    console.state = &state;
    for (uint32_t unit = 0; unit < TERMINALS; unit++) {
        console.terminals[unit].unit = unit;
        console.terminals[unit].state = &state.terminals[unit];
        line_initialize(&state.terminals[unit].line, &line_events, NULL);
    }
    console.terminals[TERMINAL_SERIAL].output = &state.serial;
}

static void type(uint32_t unit, const char *text) {
    line_input(&state.terminals[unit].line, text, strlen(text));
}

static void put_output(struct output_queue *output, const char *text) {
    while (*text != 0)
        output->bytes[output->tail++ % OUTPUT_BYTES] = *text++;
}

static void write_screen(uint32_t unit, const char *text) {
    engine_write(fake.engines[unit], text, strlen(text));
}

static void use_everything(void) {
    struct line_discipline *line = &state.terminals[TERMINAL_SERIAL].line;
    line->queue_head = line->queue_tail = LINE_QUEUE - 3; // what is typed goes round
    type(TERMINAL_SERIAL, "typed\rhal");
    type(PAIR, "of a pair\r");
    state.serial.head = state.serial.tail = UINT32_MAX - 4; // positions as well
    put_output(&state.serial, "to be sent");
    fake.pairs[PAIR - TERMINAL_PAIRS] = (struct pair_record){.used = true, .master_open = true};
    console.terminals[PAIR].output = &fake.queues[PAIR - TERMINAL_PAIRS];
    put_output(console.terminals[PAIR].output, "shown");
    state.terminals[PAIR].foreground = 17;
    state.terminals[PAIR].session = 16;
    state.terminals[PAIR].window.rows = 33;
    console.terminals[PAIR].shown = true;
    console.terminals[PAIR].raised = 4; // and told of 3 of them
    console.terminals[PAIR].sent = console.terminals[PAIR].told = 3;
    state.streams.files[9] = (struct stream_file){.badge = 55, .flags = 1, .unit = PAIR + UNIT_MASTER};
    state.streams.files[200] = (struct stream_file){.badge = 56, .unit = 1};
    state.streams.watches[5] =
        (struct stream_watch){.notification = SLOT_WATCH, .unit = 1, .bits = 8, .interest = 2, .ticket = 3};
    state.streams.last_badge = 60;
    state.streams.last_ticket = 3;
    state.front = SCREEN;
    state.keys = SLOT_KEYS;
    keyboard_initialize(&state.keyboard, &keymaps[2]);
    fake.serial.asked_until = 99;
    fake.pointer = (struct pointer_record){.x = 3, .y = 4, .clipboard_length = 2, .clipboard = "ab"};
    fake.engines[SCREEN] = make_engine();
    for (unsigned i = 0; i < 60; i++) // more than the history holds
        write_screen(SCREEN, "line \033[31mred\033[m\r\nplain text\r\n");
    write_screen(SCREEN, "\033[2;3H\033[44mX\033[?1049hother\033[3"); // in the middle of a sequence
    fake.views[SCREEN] = (struct renderer_view){.pointer = true, .selected = true};
}

static void give(struct handover *handover) {
    *handover = (struct handover){0};
    assert_int_equal(state_format(&handover->state, memory, RECORDS_BYTES, 1), ERR_OK);
    assert_int_equal(console_give(handover), ERR_OK);
}

static void same_engine(const struct engine *a, const struct engine *b) {
    struct cell one[COLUMNS], other[COLUMNS];
    bool wrapped;
    for (unsigned half = 0; half < 2; half++)
        assert_memory_equal(a->screens[half].cells, b->screens[half].cells, sizeof(struct cell) * ROWS * COLUMNS);
    assert_int_equal(a->history.lines, b->history.lines);
    assert_true(a->history.lines > 4 && a->history.lines < 100);
    for (uint32_t back = 1; back <= a->history.lines; back++) {
        assert_true(history_line(&a->history, back, one, COLUMNS, &wrapped) &&
                    history_line(&b->history, back, other, COLUMNS, &wrapped));
        assert_memory_equal(one, other, sizeof(one));
    }
    assert_memory_equal(&a->cursor, &b->cursor, sizeof(a->cursor));
}

static void test_all_of_it_arrives(void **unused) {
    (void)unused;
    struct handover handover;
    char bytes[32] = "";
    start();
    use_everything();
    give(&handover);
    assert_int_equal(fake.settled, 1);
    give(&handover); // it may be called again
    struct engine *before = fake.engines[SCREEN];
    fake.engines[SCREEN] = NULL;
    start();
    assert_int_equal(console_take(&handover), ERR_OK);
    assert_true(fake.shown == 1 && fake.begun == 1);
    assert_int_equal(fake.claimed, UINT64_C(1) << (SLOT_KEYS - 64) | UINT64_C(1) << (SLOT_WATCH - 64));
    same_engine(before, fake.engines[SCREEN]);
    engine_write(before, "3mgreen", 7); // goes on with the sequence
    write_screen(SCREEN, "3mgreen");
    same_engine(before, fake.engines[SCREEN]);
    drop_engine(before);
    assert_true(fake.views[SCREEN].pointer && !fake.views[SCREEN].selected);
    struct line_discipline *line = &state.terminals[TERMINAL_SERIAL].line;
    assert_int_equal(line_peek(line, bytes, sizeof(bytes)), 6);
    line_consume(line, 6);
    type(TERMINAL_SERIAL, "f\r");
    assert_int_equal(line_peek(line, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "half\n", 5);
    assert_int_equal(line_peek(&state.terminals[PAIR].line, bytes, sizeof(bytes)), 10);
    assert_memory_equal(bytes, "of a pair\n", 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(state.serial.bytes[(state.serial.head + i) % OUTPUT_BYTES], "to be sent"[i]);
    assert_int_equal(output_filled(&state.serial), 10);
    assert_memory_equal(console.terminals[PAIR].output->bytes, "shown", 5);
    assert_true(fake.pairs[3].used && fake.pairs[3].master_open && !fake.pairs[3].terminal_opened);
    assert_true(state.terminals[PAIR].foreground == 17 && state.terminals[PAIR].session == 16);
    assert_true(state.terminals[PAIR].window.rows == 33 && console.terminals[PAIR].shown);
    assert_true(console.terminals[PAIR].raised == console.terminals[PAIR].sent);
    assert_true(console.terminals[PAIR].sent != console.terminals[PAIR].told);
    assert_true(console.terminals[0].sent == console.terminals[0].told && !console.terminals[0].shown);
    assert_true(state.streams.files[0].badge == 55 && state.streams.files[0].unit == PAIR + UNIT_MASTER);
    assert_true(state.streams.files[1].badge == 56 && state.streams.files[2].badge == 0);
    assert_true(state.streams.watches[0].notification == SLOT_WATCH && state.streams.watches[0].ticket == 3);
    assert_true(state.streams.last_badge > 60 && state.streams.last_ticket > 3);
    assert_true(state.front == SCREEN && state.keys == SLOT_KEYS);
    assert_memory_equal(&state.keyboard.keymap, &keymaps[2], sizeof(struct keymap));
    assert_true(fake.serial.asked_until == 99 && fake.pointer.y == 4);
}

// Each record in turn: a byte too short, of another version, and with each word in it damaged.
static void test_what_is_damaged(void **unused) {
    (void)unused;
    static unsigned char bytes[STATE_RECORD_MAX];
    struct handover handover;
    struct state_view view = {0};
    start();
    use_everything();
    give(&handover);
    for (uint32_t record = 0; state_next(&handover.state, 0, record, &view) == ERR_OK; record = view.record) {
        const uint32_t length = view.length, version = view.version;
        memcpy(bytes, view.data, length);
        start();
        assert_int_equal(state_commit(&handover.state, view.record, version, bytes, length - 1), ERR_OK);
        assert_int_not_equal(console_take(&handover), ERR_OK);
        start();
        assert_int_equal(state_commit(&handover.state, view.record, version + 1, bytes, length), ERR_OK);
        assert_int_equal(console_take(&handover), ERR_NOT_SUPPORTED);
        for (uint32_t at = 0; at + 4 <= length; at += 4) {
            const uint32_t damage = DAMAGE;
            unsigned char saved[4];
            memcpy(saved, bytes + at, 4);
            memcpy(bytes + at, &damage, 4);
            assert_int_equal(state_commit(&handover.state, view.record, version, bytes, length), ERR_OK);
            memcpy(bytes + at, saved, 4);
            start();
            if (console_take(&handover) == ERR_OK && fake.engines[SCREEN] != NULL)
                write_screen(SCREEN,
                             "m\r\n\033[Ha\xcc\x81\033[5;5Hb\tc\n\n\n\033[2J\033[?1049lx\033[20S"); // nothing outside is touched
        }
        assert_int_equal(state_commit(&handover.state, view.record, version, bytes, length), ERR_OK);
    }
    start();
    assert_int_equal(console_take(&handover), ERR_OK);
}

static int set_up(void **unused) {
    (void)unused;
    memory = aligned_alloc(STATE_ALIGNMENT, RECORDS_BYTES);
    return memory == NULL;
}

static int tear_down(void **unused) {
    (void)unused;
    start();
    free(memory);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_arrives),
        cmocka_unit_test(test_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
