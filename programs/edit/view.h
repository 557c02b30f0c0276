// What is seen of the text: the part that fits the screen, a status line and a line for messages. Only rows
// that changed are sent to the terminal.
#pragma once

#include "programs/edit/text.h"

struct view {
    int rows, columns;    // of the terminal
    size_t top;           // first line shown
    size_t left;          // first column shown
    struct buffer *drawn; // what each row shows now
    int drawn_rows;
    struct buffer output;
    char message[160];
};

void view_init(struct view *view);
void view_free(struct view *view);

// Draws what changed, with the cursor at its place in the text; `prompt` replaces the message line and takes
// the cursor if it is not null.
void view_draw(struct view *view, const struct text *text, struct place cursor, const char *name, const char *prompt);

// Forgets what is on the screen: the next drawing sends everything.
void view_forget(struct view *view);

// Rows of text on the screen.
size_t view_height(const struct view *view);

// The column of an offset in a line, and the offset nearest to a column; tabs go to the next multiple of 8.
size_t view_column(const struct buffer *line, size_t offset);
size_t view_offset(const struct buffer *line, size_t column);
