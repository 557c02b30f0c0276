// What was changed, to be taken back and done again. text_insert() and text_remove() record every change;
// changes of one key belong together.
#pragma once

#include "programs/edit/text.h"

// A change of a text that keeps a record (text->undo is not null).
void undo_record(struct text *text, struct place at, const char *bytes, size_t length, bool inserted);
// The next change begins a new step, unless it goes on with the typing before it.
void undo_step(struct text *text, bool typing);
// Takes back, or does again, one step. False: there is none. *cursor: where it was.
bool undo_back(struct text *text, struct place *cursor);
bool undo_forth(struct text *text, struct place *cursor);
void undo_free(struct text *text);
