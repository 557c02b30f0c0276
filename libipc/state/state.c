// See state.h. Record handles are offsets of frames in units of 64 bytes; no handle is 0, since the head
// comes first.
//
// Order of stores in a commit: the copy that is not selected (data, then head with checksum), then the
// selector. In a new frame: both copies' heads and the capacity, with its checksum last, since a scan ends at
// the first frame whose checksum does not fit. So every prefix of the stores leaves every record as it was
// before or after.
#include "libipc/state/state.h"

#include <stddef.h>

#include "libipc/state/crc32c.h"
#include "libipc/state/store.h"

#define STATE_MAGIC UINT64_C(0x65746174536c654b) // "KelState"

struct head {
    uint64_t magic;
    uint64_t length;
    uint32_t version;
    uint32_t checksum; // of the fields above
    uint64_t padding[5];
};

struct copy_head {
    uint64_t key;
    uint32_t class; // 0: the frame is free
    uint32_t version;
    uint32_t length;
    uint32_t checksum; // of the fields above and the data
    uint64_t padding;
};

struct frame {
    uint32_t capacity; // bytes of data, a multiple of 32
    uint32_t checksum; // of capacity and offset
    uint32_t selected; // 0 or 1
    uint32_t padding[5];
};
_Static_assert(sizeof(struct head) == STATE_ALIGNMENT, "frames begin at multiples of 64");
_Static_assert(sizeof(struct copy_head) == 32 && sizeof(struct frame) == 32, "packed");

static uint64_t frame_bytes(uint32_t capacity) {
    uint64_t bytes = sizeof(struct frame) + 2 * (sizeof(struct copy_head) + (uint64_t)capacity);
    return (bytes + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT * STATE_ALIGNMENT;
}

static struct frame *frame_at(const struct state *state, uint64_t offset) {
    return (struct frame *)(void *)(state->memory + offset);
}

static struct copy_head *copy_of(struct frame *frame, uint32_t which) {
    unsigned char *first = (unsigned char *)(frame + 1);
    return (struct copy_head *)(void *)(first + which * (sizeof(struct copy_head) + (uint64_t)frame->capacity));
}

static uint32_t frame_checksum(uint32_t capacity, uint64_t offset) {
    uint64_t words[2] = {capacity, offset};
    return crc32c(0, words, sizeof(words));
}

static uint32_t copy_checksum(const struct copy_head *copy, const void *data) {
    return crc32c(crc32c(0, copy, offsetof(struct copy_head, checksum)), data, copy->length);
}

static bool copy_good(const struct frame *frame, const struct copy_head *copy) {
    return copy->length <= frame->capacity && copy->checksum == copy_checksum(copy, copy + 1);
}

// Whether a frame begins here, and lies inside.
static bool frame_good(const struct state *state, uint64_t offset) {
    if (offset + sizeof(struct frame) > state->length)
        return false;
    const struct frame *frame = frame_at(state, offset);
    return frame->capacity <= STATE_RECORD_MAX && frame->checksum == frame_checksum(frame->capacity, offset) &&
           offset + frame_bytes(frame->capacity) <= state->length;
}

// The frame of a handle, if it is one.
static struct frame *frame_of(const struct state *state, uint32_t record) {
    uint64_t offset = (uint64_t)record * STATE_ALIGNMENT;
    return offset >= sizeof(struct head) && offset < state->end && frame_good(state, offset) ? frame_at(state, offset) : NULL;
}

static struct copy_head *current(struct frame *frame) {
    return copy_of(frame, frame->selected & 1);
}

// Writes the copy that is not selected, then selects it.
static void frame_commit(struct frame *frame, struct copy_head head, const void *data) {
    uint32_t other = 1 - (frame->selected & 1);
    struct copy_head *copy = copy_of(frame, other);
    head.padding = 0;
    head.checksum = copy_checksum(&head, data);
    if (head.length != 0)
        state_store_bytes(copy + 1, data, head.length);
    state_store_bytes(copy, &head, sizeof(head));
    state_store_word(&frame->selected, other);
}

static void frame_free(struct frame *frame) {
    frame_commit(frame, (struct copy_head){0}, NULL);
}

// A frame whose selected copy is damaged goes back to the other one, or becomes free.
static void frame_repair(struct state *state, struct frame *frame) {
    if (frame->selected <= 1 && copy_good(frame, current(frame)))
        return;
    state->damaged++;
    uint32_t other = frame->selected == 0 ? 1 : 0;
    if (copy_good(frame, copy_of(frame, other))) {
        state_store_word(&frame->selected, other);
        return;
    }
    state_store_word(&frame->selected, 0);
    frame_free(frame);
}

static uint32_t head_checksum(const struct head *head) {
    return crc32c(0, head, offsetof(struct head, checksum));
}

error_t state_format(struct state *state, void *memory, uint64_t length, uint32_t version) {
    if (length < 2 * STATE_ALIGNMENT || (uintptr_t)memory % STATE_ALIGNMENT != 0)
        return ERR_INVALID;
    *state = (struct state){.memory = memory, .length = length, .end = sizeof(struct head)};
    struct head head = {.magic = STATE_MAGIC, .length = length, .version = version};
    head.checksum = head_checksum(&head);
    // Not state memory any more, then empty, then state memory again.
    state_store_word((uint32_t *)memory, 0);
    struct frame none = {0};
    none.checksum = ~frame_checksum(0, state->end);
    state_store_bytes(frame_at(state, state->end), &none, sizeof(none));
    state_store_bytes((unsigned char *)memory + 8, (const unsigned char *)&head + 8, sizeof(head) - 8);
    state_store_bytes(memory, &head, 8);
    return ERR_OK;
}

static bool is_zero(const struct head *head) {
    return head->magic == 0 && head->length == 0 && head->version == 0 && head->checksum == 0;
}

error_t state_open(struct state *state, void *memory, uint64_t length, uint32_t version) {
    if (length < 2 * STATE_ALIGNMENT || (uintptr_t)memory % STATE_ALIGNMENT != 0)
        return ERR_INVALID;
    const struct head *head = memory;
    if (is_zero(head))
        return state_format(state, memory, length, version);
    if (head->magic != STATE_MAGIC || head->checksum != head_checksum(head) || head->length != length || head->version != version)
        return ERR_CORRUPT;
    *state = (struct state){.memory = memory, .length = length, .end = sizeof(struct head)};
    while (frame_good(state, state->end)) {
        struct frame *frame = frame_at(state, state->end);
        frame_repair(state, frame);
        state->records += current(frame)->class != 0;
        state->free += current(frame)->class == 0;
        state->end += frame_bytes(frame->capacity);
    }
    return ERR_OK;
}

// The first free frame with enough room, or a new one at the end; NULL without space.
static struct frame *frame_find(struct state *state, uint32_t capacity) {
    for (uint64_t offset = sizeof(struct head); state->free != 0 && offset < state->end;) {
        struct frame *frame = frame_at(state, offset);
        if (current(frame)->class == 0 && frame->capacity >= capacity) {
            state->free--;
            return frame;
        }
        offset += frame_bytes(frame->capacity);
    }
    if (state->end + frame_bytes(capacity) > state->length)
        return NULL;
    struct frame *frame = frame_at(state, state->end);
    struct copy_head none = {0};
    none.checksum = copy_checksum(&none, NULL);
    struct frame made = {.capacity = capacity, .checksum = frame_checksum(capacity, state->end)};
    uint64_t next = state->end + frame_bytes(capacity);
    if (next + sizeof(struct frame) <= state->length) { // the scan must end behind it
        struct frame last = {.checksum = ~frame_checksum(0, next)};
        state_store_bytes(frame_at(state, next), &last, sizeof(last));
    }
    state_store_bytes(frame + 1, &none, sizeof(none)); // copy 0: free
    state_store_word(&frame->selected, 0);
    state_store_bytes(frame, &made.capacity, sizeof(made.capacity));
    state_store_word(&frame->checksum, made.checksum);
    state->end = next;
    return frame;
}

error_t state_create(struct state *state, uint32_t class, uint32_t version, uint64_t key, uint32_t capacity, const void *data,
                     uint32_t length, uint32_t *record) {
    if (class == 0 || capacity > STATE_RECORD_MAX || length > capacity)
        return ERR_INVALID;
    struct frame *frame = frame_find(state, (capacity + 31) / 32 * 32);
    if (frame == NULL)
        return ERR_NO_SPACE;
    struct copy_head head = {.key = key, .class = class, .version = version, .length = length};
    frame_commit(frame, head, data);
    state->records++;
    *record = (uint32_t)(((unsigned char *)frame - state->memory) / STATE_ALIGNMENT);
    return ERR_OK;
}

error_t state_commit(struct state *state, uint32_t record, uint32_t version, const void *data, uint32_t length) {
    struct frame *frame = frame_of(state, record);
    if (frame == NULL || current(frame)->class == 0)
        return ERR_NOT_FOUND;
    if (length > frame->capacity)
        return ERR_TOO_BIG;
    struct copy_head head = *current(frame);
    head.version = version;
    head.length = length;
    frame_commit(frame, head, data);
    return ERR_OK;
}

error_t state_remove(struct state *state, uint32_t record) {
    struct frame *frame = frame_of(state, record);
    if (frame == NULL || current(frame)->class == 0)
        return ERR_NOT_FOUND;
    frame_free(frame);
    state->records--;
    state->free++;
    return ERR_OK;
}

static void view_fill(const struct state *state, struct frame *frame, struct state_view *view) {
    const struct copy_head *copy = current(frame);
    *view = (struct state_view){
        .record = (uint32_t)(((unsigned char *)frame - state->memory) / STATE_ALIGNMENT),
        .class = copy->class,
        .version = copy->version,
        .length = copy->length,
        .key = copy->key,
        .data = copy + 1,
    };
}

error_t state_read(const struct state *state, uint32_t record, struct state_view *view) {
    struct frame *frame = frame_of(state, record);
    if (frame == NULL || current(frame)->class == 0)
        return ERR_NOT_FOUND;
    view_fill(state, frame, view);
    return ERR_OK;
}

error_t state_next(const struct state *state, uint32_t class, uint32_t after, struct state_view *view) {
    uint64_t offset = sizeof(struct head);
    if (after != 0) {
        const struct frame *frame = frame_of(state, after);
        if (frame == NULL)
            return ERR_NOT_FOUND;
        offset = (uint64_t)after * STATE_ALIGNMENT + frame_bytes(frame->capacity);
    }
    while (offset < state->end) {
        struct frame *frame = frame_at(state, offset);
        uint32_t found = current(frame)->class;
        if (found != 0 && (class == 0 || found == class)) {
            view_fill(state, frame, view);
            return ERR_OK;
        }
        offset += frame_bytes(frame->capacity);
    }
    return ERR_NOT_FOUND;
}

uint32_t state_drop_class(struct state *state, uint32_t class) {
    uint32_t dropped = 0;
    struct state_view view = {0};
    while (state_next(state, class, view.record, &view) == ERR_OK) {
        error_t ignored = state_remove(state, view.record); // it was found, so it can be
        (void)ignored;
        dropped++;
    }
    return dropped;
}
