// What the parts of the engine do to the screen. Rows and columns count from 0; ranges are clamped by the
// caller or here, as each says.
#pragma once

#include "servers/console/engine/engine.h"

// screen.c
struct cell engine_blank(const struct engine *engine); // with the current background
void engine_erase(struct engine *engine, uint32_t row, uint32_t first,
                  uint32_t end); // columns [first, end), clamped
void engine_erase_rows(struct engine *engine, uint32_t first, uint32_t end);
void engine_scroll_up(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count); // clamped
void engine_scroll_down(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count);
void engine_insert_cells(struct engine *engine, uint32_t count); // at the cursor
void engine_delete_cells(struct engine *engine, uint32_t count);
void engine_fix_wide(struct engine *engine, uint32_t row,
                     uint32_t column); // a cut wide character becomes blanks

// cursor.c
void engine_move_to(struct engine *engine, int64_t row, int64_t column); // clamped to the screen
void engine_move_in_region(struct engine *engine, int64_t row,
                           int64_t column);       // as CUP: counts from the origin
void engine_index(struct engine *engine);         // down, scrolling at the bottom
void engine_reverse_index(struct engine *engine); // up
void engine_tab_forward(struct engine *engine, uint32_t count);
void engine_tab_back(struct engine *engine, uint32_t count);
void engine_save_cursor(struct engine *engine);
void engine_restore_cursor(struct engine *engine);
void engine_reset(struct engine *engine, bool hard);

// print.c
void engine_print(struct engine *engine, uint32_t character);

// control.c
void engine_execute(void *context, uint8_t control);
void engine_escape(void *context, const struct parser *parser, uint8_t final);

// csi.c, style.c, mode.c, report.c
void engine_csi(void *context, const struct parser *parser, uint8_t final);
void engine_select_style(struct engine *engine, const struct parser *parser);
void engine_set_modes(struct engine *engine, const struct parser *parser, bool on);
void engine_report_device(struct engine *engine, const struct parser *parser);
void engine_report_status(struct engine *engine, const struct parser *parser);
void engine_report_mode(struct engine *engine, const struct parser *parser);
void engine_report_window(struct engine *engine, const struct parser *parser);
