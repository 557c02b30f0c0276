// What the parts of the engine do to the screen. Rows and columns count from 0; ranges are clamped by the
// caller or here, as each says. Who changes cells calls engine_change for the row first.
#pragma once

#include "servers/console/engine/engine.h"

// screen.c
void engine_announce(struct engine *engine, const void *memory, size_t bytes);
struct cell *engine_change(struct engine *engine, uint32_t row); // marks and announces it; its cells
struct cell engine_blank(const struct engine *engine);           // with the current background
// Columns [first, end), clamped. `selective`: what DECSCA protects stays.
void engine_erase(struct engine *engine, uint32_t row, uint32_t first, uint32_t end, bool selective);
void engine_erase_rows(struct engine *engine, uint32_t first, uint32_t end, bool selective);
// Columns of the scroll region; the count is clamped. Rows that leave the main screen at its top go to the history.
void engine_scroll_up(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count);
void engine_scroll_down(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count);
// Cells of one row from `column` to the end of the region, or of the row if it is beyond that.
void engine_insert_cells(struct engine *engine, uint32_t row, uint32_t column, uint32_t count);
void engine_delete_cells(struct engine *engine, uint32_t row, uint32_t column, uint32_t count);
// A cut wide character becomes blanks. The row is announced.
void engine_fix_wide(struct engine *engine, uint32_t row, uint32_t column);
void engine_set_wrapped(struct engine *engine, uint32_t row, bool wrapped);

// cursor.c
void engine_carriage_return(struct engine *engine);
void engine_reset_region(struct engine *engine);
// The last column that the cursor goes to by itself: that of the region, unless it is beyond already.
static inline uint32_t engine_last_column(const struct engine *engine) {
    return engine->cursor.column <= engine->right ? engine->right : engine->columns - 1;
}
static inline bool engine_in_columns(const struct engine *engine) {
    return engine->cursor.column >= engine->left && engine->cursor.column <= engine->right;
}
void engine_move_to(struct engine *engine, int64_t row, int64_t column); // clamped to the screen
void engine_move_in_region(struct engine *engine, int64_t row,
                           int64_t column);       // as CUP: counts from the origin
void engine_index(struct engine *engine);         // down, scrolling at the bottom
void engine_reverse_index(struct engine *engine); // up
void engine_back(struct engine *engine);          // BS
void engine_back_index(struct engine *engine);    // DECBI: left, or the region moves to the right
void engine_forward_index(struct engine *engine); // DECFI
void engine_tab_forward(struct engine *engine, uint32_t count);
void engine_tab_back(struct engine *engine, uint32_t count);
void engine_default_tabs(struct engine *engine);
void engine_save_cursor(struct engine *engine);
void engine_restore_cursor(struct engine *engine);
void engine_reset(struct engine *engine, bool hard);

// The first rows of the main screen go to the history; they stay where they are, too.
void engine_push_rows(struct engine *engine, uint32_t count);

// jump.c
// Returns how many bytes it took, 0: none. *looked: there is no use in another try before so many bytes.
size_t engine_jump(struct engine *engine, const char *bytes, size_t count, size_t *looked);

// print.c
void engine_print(struct engine *engine, uint32_t character);

// control.c
void engine_execute(void *context, uint8_t control);
void engine_escape(void *context, const struct parser *parser, uint8_t final);

// csi.c, style.c, mode.c
void engine_csi(void *context, const struct parser *parser, uint8_t final);
void engine_select_style(struct engine *engine, const struct parser *parser);
void engine_set_modes(struct engine *engine, const struct parser *parser, bool on);
void engine_save_modes(struct engine *engine, const struct parser *parser);
void engine_restore_modes(struct engine *engine, const struct parser *parser);
// 1 set, 2 reset, 4 never set, 0 not known (DECRPM).
uint32_t engine_mode_state(const struct engine *engine, char mark, int32_t number);

// report.c
// Writes the number in decimal (at most 10 bytes, no end mark); where the next byte goes.
char *engine_put_number(char *at, uint32_t number);
void engine_reply(struct engine *engine, const char *bytes, size_t count);
void engine_reply_numbers(struct engine *engine, const char *start, const uint32_t *numbers, uint32_t count, const char *end);
void engine_report_device(struct engine *engine, const struct parser *parser);
void engine_report_status(struct engine *engine, const struct parser *parser);
void engine_report_mode(struct engine *engine, const struct parser *parser);
void engine_report_parameters(struct engine *engine, const struct parser *parser);
void engine_report_version(struct engine *engine);
void engine_window(struct engine *engine, const struct parser *parser);
void engine_dcs(void *context, const char *string, size_t length);

// osc.c, colours.c
void engine_osc(void *context, const char *string, size_t length, bool bell);
uint32_t engine_default_colour(uint32_t index);
