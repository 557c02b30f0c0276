// See undo.h. A list of changes and the place in it where the text is; a new change drops what lies ahead.
#include "programs/edit/undo.h"

#include <stdlib.h>

#include "programs/common/program.h"

struct change {
    struct place at;
    struct buffer bytes;
    bool inserted;
    size_t step;
};

struct undo {
    struct change *changes;
    size_t count, done, capacity;
    size_t step;
    bool typing, replaying;
};

static struct undo *undo_of(struct text *text) {
    if (text->undo == NULL) {
        text->undo = memory_allocate(sizeof(*text->undo));
        *text->undo = (struct undo){0};
    }
    return text->undo;
}

static struct place end_of(struct place at, const struct buffer *bytes) {
    for (size_t i = 0; i < bytes->length; i++) {
        at.offset++;
        if (bytes->data[i] == '\n')
            at = (struct place){at.line + 1, 0};
    }
    return at;
}

static bool same_place(struct place a, struct place b) {
    return a.line == b.line && a.offset == b.offset;
}

void undo_step(struct text *text, bool typing) {
    struct undo *undo = undo_of(text);
    if (!typing || !undo->typing)
        undo->step++;
    undo->typing = typing;
}

void undo_record(struct text *text, struct place at, const char *bytes, size_t length, bool inserted) {
    struct undo *undo = undo_of(text);
    if (undo->replaying || length == 0)
        return;
    while (undo->count > undo->done)
        buffer_free(&undo->changes[--undo->count].bytes);
    struct change *last = undo->count > 0 ? &undo->changes[undo->count - 1] : NULL;
    if (last != NULL && last->step == undo->step && inserted && last->inserted &&
        same_place(end_of(last->at, &last->bytes), at)) {
        buffer_append(&last->bytes, bytes, length);
        return;
    }
    if (undo->count == undo->capacity) {
        undo->capacity = undo->capacity ? 2 * undo->capacity : 64;
        undo->changes = memory_resize(undo->changes, undo->capacity * sizeof(*undo->changes));
    }
    struct change *change = &undo->changes[undo->count++];
    *change = (struct change){.at = at, .inserted = inserted, .step = undo->step};
    buffer_init(&change->bytes);
    buffer_append(&change->bytes, bytes, length);
    undo->done = undo->count;
}

static void apply(struct text *text, const struct change *change, bool insert, struct place *cursor) {
    text->undo->replaying = true;
    if (insert) {
        *cursor = text_insert(text, change->at, change->bytes.data, change->bytes.length);
    } else {
        text_remove(text, change->at, end_of(change->at, &change->bytes));
        *cursor = change->at;
    }
    text->undo->replaying = false;
}

bool undo_back(struct text *text, struct place *cursor) {
    struct undo *undo = undo_of(text);
    if (undo->done == 0)
        return false;
    size_t step = undo->changes[undo->done - 1].step;
    while (undo->done > 0 && undo->changes[undo->done - 1].step == step) {
        undo->done--;
        apply(text, &undo->changes[undo->done], !undo->changes[undo->done].inserted, cursor);
    }
    undo->typing = false;
    return true;
}

bool undo_forth(struct text *text, struct place *cursor) {
    struct undo *undo = undo_of(text);
    if (undo->done == undo->count)
        return false;
    size_t step = undo->changes[undo->done].step;
    while (undo->done < undo->count && undo->changes[undo->done].step == step) {
        apply(text, &undo->changes[undo->done], undo->changes[undo->done].inserted, cursor);
        undo->done++;
    }
    undo->typing = false;
    return true;
}

void undo_free(struct text *text) {
    for (size_t i = 0; text->undo != NULL && i < text->undo->count; i++)
        buffer_free(&text->undo->changes[i].bytes);
    if (text->undo != NULL)
        free(text->undo->changes);
    free(text->undo);
    text->undo = NULL;
}
