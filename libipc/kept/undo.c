// See undo.h. An entry is the old bytes of a line, or of a range, rounded up to words, and behind them a word with the place, of
// a range two, the first with its length. The order of stores: the entry, then `next`, then (by the caller) the memory itself. So
// the log is whole wherever its writer is stopped, and taking back may be stopped and begun again. A commit is one store, to
// `next`, which also says whether the log was too small. Before anything is taken back all of the log is read: one damaged word
// of place, size or address, and nothing is taken back.
//
// This file is compiled without notes of its own.
#include "libipc/kept/log.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"

extern const char _end[] __attribute__((visibility("hidden"))); // and its end

struct undo undo;
static struct {
    uint64_t address;                // in the window
} __attribute__((aligned(64))) next; // where memory is mapped

static uint64_t used_words(void) {
    return (uint64_t)(undo.next - undo.log);
}

// Of the log's place and size.
static uint64_t header_seal(void) {
    uint64_t mixed = ((uintptr_t)undo.log ^ undo.capacity) * ENTRY_SEAL;
    return (mixed ^ mixed >> 32 ^ undo.window) * ENTRY_SEAL | 1;
}

error_t kept_start(uint64_t bytes) {
    uint64_t address;
    cap_t memory;
    bytes = bytes != 0 ? bytes : KEPT_LOG_BYTES;
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (error != ERR_OK)
        return error;
    error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    slot_release(memory);
    if (error != ERR_OK)
        return error;
    undo.log = (uint64_t *)(uintptr_t)address;
    undo.next = undo.log;
    undo.capacity = bytes / sizeof(uint64_t);
    kept_fuse(0);
    stack_set(NULL, 0);
    undo.window = KEPT_WINDOW_BYTES;
    undo.seal = header_seal();
    return ERR_OK;
}

static bool overflowed(void) {
    return used_words() > undo.capacity;
}

// What is known of lines is forgotten; now and then by clearing it, since marks come again.
static void lines_forget(void) {
    undo.mark += MARK_STEP;
    undo.mark_true += MARK_STEP;
    if (__builtin_expect(undo.mark_true >> MARK_UNKNOWN == 0, 1))
        return;
    for (unsigned i = 0; i < LINES; i++)
        undo.lines[i] = 0;
    undo.mark_true = MARK_STEP;
    undo.mark = undo.fuse != 0 ? MARK_STEP | UINT64_C(1) << MARK_UNKNOWN : MARK_STEP;
}

static uint64_t seal_of_bytes(uint64_t bytes) {
    return bytes * ENTRY_SEAL;
}

static uint64_t seal_of_range(uintptr_t address) {
    return (address << 1 | 1) * ENTRY_SEAL;
}

void kept_hot(const void *place) {
    uintptr_t address = (uintptr_t)place;
    undo.hot = (struct hot_range){address >> LINE_SHIFT, {seal_of_bytes(KEPT_HOT_LINES * LINE_BYTES), seal_of_range(address)}};
}

// Right behind a commit, when the log is empty: until the entry is whole there is nothing to take back.
static void hot_note(void) {
    const struct hot_range hot = undo.hot;
    if (hot.first_line == 0)
        return;
    uint64_t *entry = undo.next, words = KEPT_HOT_LINES * (LINE_BYTES / 8);
    uint64_t *known = &undo.lines[hot.first_line % LINES]; // of all, since none of them begins again at 0
    for (unsigned i = 0; i < KEPT_HOT_LINES; i++)
        known[i] = hot.first_line + undo.mark_true + i;
    const void *from = (const void *)(hot.first_line << LINE_SHIFT); // NOLINT(performance-no-int-to-ptr)
    __asm__ volatile("rep movsq" : "+D"(entry), "+S"(from), "+c"(words) : : "memory");
    for (unsigned i = 0; i < LONG_WORDS; i++)
        *entry++ = hot.seals[i];
    barrier();
    undo.next = entry;
    barrier();
}

void kept_commit(void) {
    if (!kept_active())
        return;
    barrier();
    undo.large_count = 0;
    undo.stack_bytes = 0;
    undo.commits++;
    lines_forget();
    barrier();
    undo.next = undo.log;
    barrier();
    hot_note();
}

uint64_t kept_commits(void) {
    return undo.commits;
}

bool kept_is_deep(void) {
    return used_words() > undo.capacity / 2;
}

static bool in_window(uintptr_t address) {
    return address - (uintptr_t)__ehdr_start < undo.window && address - undo.stack_low >= undo.stack_bytes;
}

static bool has_room(uint64_t words) {
    if (overflowed())
        return false;
    if (words <= undo.capacity - used_words())
        return true;
    undo.overflows++;
    undo.next = undo.log + undo.capacity + 1;
    return false;
}

void kept_fuse(uint64_t stores) {
    if (undo.log == NULL)
        return; // nothing is noted
    undo.fuse = stores;
    undo.mark = stores != 0 ? undo.mark_true | UINT64_C(1) << MARK_UNKNOWN : undo.mark_true;
    undo.stop = stores != 0 ? undo.log - 1 : undo.log + undo.capacity - LINE_WORDS;
}

bool kept_active(void) {
    return is_noting();
}

// Large ranges change again and again (a screen that scrolls), and are noted once.
static void large_know(uintptr_t address, uint64_t bytes) {
    if (undo.large_count < LARGE_MOST)
        undo.large[undo.large_count++] = (struct large_range){address, bytes};
}

// How many of the first bytes of a large range are to be noted: what lies behind them is known.
static uint64_t large_unknown(uintptr_t address, uint64_t bytes) {
    for (uint32_t i = 0; i < undo.large_count; i++) {
        const struct large_range *known = &undo.large[i];
        if (address + bytes <= known->address + known->bytes && address + bytes > known->address)
            bytes = address >= known->address ? 0 : known->address - address;
    }
    return bytes;
}

static void move(void *to, const void *from, uint64_t bytes) {
    uint64_t words = bytes / 8, rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

static void line_note(uintptr_t address) {
    uint64_t line = address >> LINE_SHIFT, *known = &undo.lines[line % LINES];
    line += undo.mark_true;
    if (*known == line || !has_room(LINE_WORDS))
        return;
    entry_write(undo.next, address);
    *known = line;
    barrier();
}

// The lines that lie in the range whole need no notes until the next commit.
static void range_know(uintptr_t address, uint64_t bytes) {
    if (bytes >= LARGE) {
        large_know(address, bytes);
        return;
    }
    uint64_t line = (address + LINE_BYTES - 1) >> LINE_SHIFT, end = (address + bytes) >> LINE_SHIFT, mark = undo.mark_true;
    for (; line < end; line++)
        undo.lines[line % LINES] = line + mark;
}

void kept_fresh(void *address, uint64_t bytes) {
    if (kept_active())
        range_know((uintptr_t)address, bytes);
}

static void count_store(void) {
    if (__builtin_expect(undo.fuse != 0, 0) && --undo.fuse == 0)
        __builtin_trap();
}

void kept_note_store(uintptr_t address) {
    count_store();
    line_note(address);
}

// Whether all lines of the range are.
static bool is_known(uintptr_t address, uint64_t bytes) {
    uint64_t line = address >> LINE_SHIFT, last = (address + bytes - 1) >> LINE_SHIFT;
    while (line <= last && undo.lines[line % LINES] == line + undo.mark_true)
        line++;
    return line > last;
}

// Writes the longer entry of the range.
static bool range_write(const void *place, uint64_t bytes) {
    uint64_t words = (bytes + 7) / 8;
    if (!has_room(words + LONG_WORDS))
        return false;
    uint64_t *entry = undo.next;
    move(entry, place, bytes);
    entry[words] = seal_of_bytes(bytes);
    entry[words + 1] = seal_of_range((uintptr_t)place);
    barrier();
    undo.next = entry + words + LONG_WORDS;
    barrier();
    return true;
}

static void range_note(const void *place, uint64_t bytes) {
    if (bytes >= LARGE)
        bytes = large_unknown((uintptr_t)place, bytes);
    if (bytes == 0 || (bytes < LARGE && is_known((uintptr_t)place, bytes)))
        return;
    if (range_write(place, bytes))
        range_know((uintptr_t)place, bytes);
}

void kept_note_stack(const void *low, const void *end) {
    count_store();
    (void)range_write(low, (uintptr_t)end - (uintptr_t)low);
}

void kept_note(const void *place, uint64_t bytes) {
    uintptr_t address = (uintptr_t)place;
    if (bytes == 0 || !in_window(address))
        return;
    count_store();
    if (bytes > SMALL) {
        range_note(place, bytes);
        return;
    }
    uintptr_t last = address + bytes - 1;
    for (address &= -(uintptr_t)LINE_BYTES; address <= last; address += LINE_BYTES)
        line_note(address);
}

void kept_note_line(const void *address) {
    note_store((uintptr_t)address);
}

struct entry {
    uintptr_t address;
    uint64_t bytes;
    uint64_t start; // index of its old bytes
};

// The entry that ends before word `end` of the log; false: there is none that could have been written.
static bool entry_read(uint64_t end, struct entry *entry) {
    uint64_t last = undo.log[end - 1] * ENTRY_UNSEAL, tail = 1;
    entry->address = last;
    entry->bytes = LINE_BYTES;
    if ((last & 1) != 0) {
        if (end < LONG_WORDS + 1)
            return false;
        entry->address = last >> 1;
        entry->bytes = undo.log[end - 2] * ENTRY_UNSEAL;
        tail = LONG_WORDS;
    } else if (last % LINE_BYTES != 0) {
        return false;
    }
    uint64_t offset = entry->address - (uintptr_t)__ehdr_start;
    if (offset >= undo.window || entry->bytes > undo.window - offset || entry->bytes == 0)
        return false;
    uint64_t words = (entry->bytes + 7) / 8 + tail;
    if (words > end)
        return false;
    entry->start = end - words;
    return true;
}

static bool log_is_sound(void) {
    if (undo.window == 0 || undo.seal != header_seal() || overflowed())
        return false;
    struct entry entry;
    for (uint64_t at = used_words(); at != 0; at = entry.start)
        if (!entry_read(at, &entry))
            return false;
    return true;
}

bool kept_rollback(void) {
    if (!log_is_sound())
        return false;
    struct entry entry;
    for (uint64_t at = used_words(); at != 0 && entry_read(at, &entry); at = entry.start)
        move((void *)entry.address, &undo.log[entry.start], entry.bytes); // NOLINT(performance-no-int-to-ptr)
    stack_set(NULL, 0);                                                   // the actor may have ended between its stores
    kept_commit();
    kept_fuse(0);
    return true;
}

error_t kept_map(cap_t memory, uint64_t bytes, uint64_t *address) {
    const uint64_t flags = MAP_FLAG_READ | MAP_FLAG_WRITE | MAP_FLAG_FIXED;
    uint64_t first = (uintptr_t)__ehdr_start;
    if (!kept_active())
        return process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, address);
    kept_note(&next, sizeof(next));
    if (next.address == 0)
        next.address = ((uintptr_t)_end + 0x1fffff) & ~UINT64_C(0x1fffff);
    if (bytes > first + KEPT_WINDOW_BYTES - next.address)
        return ERR_NO_MEMORY;
    error_t error = process_map(SLOT_SELF, next.address, bytes, 0, flags, memory, address);
    if (error == ERR_EXISTS) { // left by an actor that ended before its commit
        error = process_unmap(SLOT_SELF, next.address, bytes);
        if (error == ERR_OK)
            error = process_map(SLOT_SELF, next.address, bytes, 0, flags, memory, address);
    }
    if (error == ERR_OK)
        next.address += bytes + 4096;
    return error;
}
