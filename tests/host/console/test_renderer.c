// The renderer: what was drawn step by step equals what is drawn from nothing, and only changed cells are
// touched.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/console/engine/operations.h"
#include "servers/console/font.h"
#include "servers/console/palette.h"
#include "servers/console/renderer.h"
#include "tests/host/cmocka_test.h"
#include "tests/host/console/terminal_harness.h"

enum { ROWS = 6, COLUMNS = 20, PITCH = COLUMNS * 8 * 4 + 64, BYTES = ROWS * 16 * PITCH };

static struct renderer *renderer_make(bool text) {
    struct renderer *renderer = calloc(1, sizeof(*renderer));
    renderer->memory = calloc(1, BYTES);
    renderer->shown = calloc(ROWS * COLUMNS, sizeof(struct cell));
    renderer->pitch = PITCH;
    renderer->text = text;
    renderer->red_position = 16;
    renderer->green_position = 8;
    renderer->rows = ROWS;
    renderer->columns = COLUMNS;
    return renderer;
}

static void renderer_free(struct renderer *renderer) {
    free((void *)(uintptr_t)renderer->memory);
    free(renderer->shown);
    free(renderer);
}

static const struct renderer_view plain;

static const char *const pieces[] = {
    "hello",
    "\r\n\033[1;31mworld\033[m",
    "\033[7mx\033[m",
    "\033[?25l",
    "\033[2;3H\033[K",
    "\344\275\240\345\245\275",
    "\033[1;2Hx",
    "\033[?25h",
    "\n\n\n\n\n\n\nscroll",
    "\033[?5h",
    "\033[4 q",
    "\033[?5l",
    "\033[2J",
    "\033[44m\033[3J\033[H\033[4mu",
    "\033[6 q",
    "\033[?1049hALT",
    "\033[?1049l",
    "\033[8mhidden\033[m\033[9mstruck",
    "\033[38;2;1;2;3m\342\202\254\342\224\200",
    "\033[m\033[3mitalic\033[4:3mcurly\033[m e\314\201",
    "\033]4;1;#123456\a",
    "\033[31mred",
    "\033]11;#000040\a",
};

static void test_same_as_from_nothing(void **state) {
    (void)state;
    for (int text = 0; text < 2; text++) {
        struct harness harness;
        harness_start(&harness, ROWS, COLUMNS);
        struct renderer *step = renderer_make(text);
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
            harness_write(&harness, pieces[i], strlen(pieces[i]));
            renderer_draw(step, &harness.engine, &plain);
            struct renderer *fresh = renderer_make(text);
            engine_dirty(&harness.engine);
            renderer_draw(fresh, &harness.engine, &plain);
            if (memcmp((void *)(uintptr_t)step->memory, (void *)(uintptr_t)fresh->memory, BYTES) != 0)
                fail_msg("after piece %zu", i);
            renderer_free(fresh);
        }
        renderer_free(step);
        harness_end(&harness);
    }
}

// Views of all kinds one after the other: what is over the text goes away again.
static void test_views(void **state) {
    (void)state;
    static const struct renderer_view views[] = {
        {.back = 0},
        {.back = 1},
        {.back = 3},
        {.flash = true},
        {.back = 0},
        {.blank = true},
        {.back = 2},
        {.pointer = true, .pointer_row = 2, .pointer_column = 3},
        {.back = 0},
        {.selected = true, .first_row = 1, .first_column = 3, .last_row = 3, .last_column = 2},
        {.back = 1, .selected = true, .first_row = -2, .last_row = 0, .last_column = 5},
        {.back = 0},
        {.pointer = true, .pointer_row = 5, .pointer_column = 19},
        {.pointer = true, .pointer_row = 0, .pointer_column = 0},
    };
    struct harness harness;
    harness_start(&harness, ROWS, COLUMNS);
    struct renderer *step = renderer_make(false);
    const char *text = "one\r\ntwo\r\n\344\275\240\r\n\033[32mfour\r\nfive\r\nsix\r\nseven\r\neight";
    harness_write(&harness, text, strlen(text));
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        renderer_draw(step, &harness.engine, &views[i]);
        struct renderer *fresh = renderer_make(false);
        engine_dirty(&harness.engine);
        renderer_draw(fresh, &harness.engine, &views[i]);
        if (memcmp((void *)(uintptr_t)step->memory, (void *)(uintptr_t)fresh->memory, BYTES) != 0)
            fail_msg("view %zu", i);
        renderer_free(fresh);
    }
    renderer_free(step);
    harness_end(&harness);
}

// What blinks is seen and not seen; nothing else changes, and without it there is nothing to wait for.
static void test_blinking(void **state) {
    (void)state;
    static const struct renderer_view unlit = {.unlit = true};
    struct harness harness;
    harness_start(&harness, ROWS, COLUMNS);
    struct renderer *step = renderer_make(false);
    uint8_t *lit = malloc(BYTES);
    harness_write(&harness, "a", 1);
    renderer_draw(step, &harness.engine, &plain);
    assert_false(renderer_blinks(step, &harness.engine));
    memcpy(lit, (void *)(uintptr_t)step->memory, BYTES);
    renderer_draw(step, &harness.engine, &unlit);
    assert_memory_equal((void *)(uintptr_t)step->memory, lit, BYTES);
    harness_write(&harness, "\033[5mb\033[m", 9);
    renderer_draw(step, &harness.engine, &plain);
    assert_true(renderer_blinks(step, &harness.engine));
    memcpy(lit, (void *)(uintptr_t)step->memory, BYTES);
    renderer_draw(step, &harness.engine, &unlit);
    for (size_t at = 0; at < BYTES; at++) {
        size_t row = at / PITCH / 16, column = at % PITCH / 32;
        if (((const volatile uint8_t *)step->memory)[at] != lit[at] && (row != 0 || column != 1))
            fail_msg("row %zu, column %zu", row, column);
    }
    assert_memory_not_equal((void *)(uintptr_t)step->memory, lit, BYTES);
    harness_write(&harness, "\033[2J\033[5 q", 9);
    renderer_draw(step, &harness.engine, &plain);
    assert_int_equal(step->blinking, 0);
    assert_true(renderer_blinks(step, &harness.engine)); // the cursor
    free(lit);
    renderer_free(step);
    harness_end(&harness);
}

static void test_only_what_changed(void **state) {
    (void)state;
    struct harness harness;
    harness_start(&harness, ROWS, COLUMNS);
    struct renderer *renderer = renderer_make(false);
    harness_write(&harness, "one\r\ntwo\r\n", 10);
    renderer_draw(renderer, &harness.engine, &plain);
    memset((void *)(uintptr_t)renderer->memory, 0x5a, BYTES);
    harness_write(&harness, "x", 1);
    renderer_draw(renderer, &harness.engine, &plain);
    const volatile uint8_t *memory = renderer->memory;
    for (size_t at = 0; at < BYTES; at++) {
        size_t row = at / PITCH / 16, column = at % PITCH / 32;
        bool touched = row == 2 && column < 2; // the character, and the cursor behind it
        if (memory[at] == 0x5a && touched)
            fail_msg("row %zu, column %zu was not drawn", row, column);
        if (memory[at] != 0x5a && !touched)
            fail_msg("row %zu, column %zu was drawn", row, column);
    }
    renderer_free(renderer);
    harness_end(&harness);
}

static bool is_wide(uint32_t character) {
    bool wide = false;
    return font_glyph(character, &wide) != NULL && wide;
}

static bool has_glyph(uint32_t character) {
    bool wide;
    return font_glyph(character, &wide) != NULL;
}

static const char *font_path;
static size_t font_bytes;

// The font's file, in memory that ends where it ends.
static void *read_font(void) {
    FILE *file = fopen(font_path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    font_bytes = (size_t)ftell(file);
    void *font = malloc(font_bytes);
    rewind(file);
    assert_int_equal(fread(font, 1, font_bytes, file), font_bytes);
    (void)fclose(file);
    return font;
}

static void test_font(void **state) {
    (void)state;
    for (uint32_t character = 0x20; character < 0x17f; character++)
        if ((character < 0x7f || character >= 0xa0) && !has_glyph(character))
            fail_msg("U+%04X is missing", character);
    for (uint32_t character = 0x2500; character < 0x25a0; character++)
        assert_true(has_glyph(character));
    for (uint32_t character = 0x410; character < 0x450; character++)
        assert_true(has_glyph(character));
    assert_true(has_glyph(0x3b1) && has_glyph(0xfffd));
    assert_true(is_wide(0x3042) && is_wide(0xac00) && is_wide(0xd7a3));
    assert_false(has_glyph(0x4e00) || has_glyph(0x9fa5) || has_glyph(0x3400)); // ideographs have no room on 32 MiB
    assert_false(is_wide('a') || is_wide(0x2500) || is_wide(0x3b1));
    uint32_t count = 0;
    for (uint32_t character = 0; character < 0x10000; character++)
        count += has_glyph(character);
    assert_in_range(count, 27000, 30000); // of Unifont's
    assert_false(has_glyph(0xd800) || has_glyph(0x10000) || has_glyph(UINT32_MAX));
    // No sign stands for another: the double line is one.
    bool wide;
    assert_memory_not_equal(font_glyph(0x2500, &wide), font_glyph(0x2550, &wide), FONT_HEIGHT);
}

// The sanitizer finds one that does not lie in the file.
static void read_all_glyphs(void) {
    volatile uint8_t sum = 0;
    for (uint32_t character = 0; character < 0x10000; character++) {
        bool wide = false;
        const uint8_t *glyph = font_glyph(character, &wide);
        if (glyph != NULL)
            sum = (uint8_t)(sum + glyph[0] + glyph[wide ? 2 * FONT_HEIGHT - 1 : FONT_HEIGHT - 1]);
    }
}

// Cut off or with any place wrong, the font gives no glyph from outside.
static void test_damaged_font(void **state) {
    (void)state;
    uint8_t *font = read_font();
    const size_t header = 12 + 256, page = 4 + 512;
    assert_int_equal(font_use(font, header - 1), ERR_CORRUPT);
    assert_int_equal(font_use(font, font_bytes - 1), ERR_CORRUPT);
    font[0]++;
    assert_int_equal(font_use(font, font_bytes), ERR_CORRUPT);
    font[0]--;
    memset(font + 12, 0xff, 256); // pages that are not there
    memset(font + header, 0xff, 3 * page);
    assert_int_equal(font_use(font, font_bytes), ERR_OK);
    read_all_glyphs();
    for (uint32_t at = 0; at < 256; at++)
        font[12 + at] = (uint8_t)(at % 3);
    read_all_glyphs();
    assert_int_equal(font_use(read_font(), font_bytes), ERR_OK); // the other tests', held to the end
    free(font);
}

static void test_palette(void **state) {
    (void)state;
    uint32_t front, back, palette[ENGINE_COLOURS];
    for (uint32_t i = 0; i < ENGINE_COLOURS; i++)
        palette[i] = engine_default_colour(i);
    struct cell cell = {.foreground = colour_indexed(1), .attributes = CELL_BOLD};
    palette_cell(palette, &cell, false, &front, &back);
    assert_int_equal(front, 0xff5555);
    cell = (struct cell){.foreground = colour_indexed(196), .background = colour_indexed(244)};
    palette_cell(palette, &cell, false, &front, &back);
    assert_int_equal(front, 0xff0000);
    assert_int_equal(back, 0x808080);
    cell.attributes = CELL_INVERSE;
    palette_cell(palette, &cell, false, &front, &back);
    assert_int_equal(back, 0xff0000);
    palette_cell(palette, &cell, true, &front, &back);
    assert_int_equal(front, 0xff0000);
    cell.attributes = CELL_INVISIBLE;
    palette_cell(palette, &cell, false, &front, &back);
    assert_int_equal(front, back);
    assert_int_equal(palette_nearest(0xfe0102), 4); // EGA red
    assert_int_equal(palette_nearest(0xffffff), 15);
}

int main(int argc, char **argv) {
    assert_int_equal(argc, 2);
    font_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_font), cmocka_unit_test(test_same_as_from_nothing), cmocka_unit_test(test_views),
        cmocka_unit_test(test_blinking),     cmocka_unit_test(test_only_what_changed),    cmocka_unit_test(test_font),
        cmocka_unit_test(test_palette)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
