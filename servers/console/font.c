// See font.h. A file: struct font, its pages, its glyphs. The file comes with the medium and is still not believed: each place is
// checked when it is looked up.
#include "servers/console/font.h"

#include "servers/console/font_small.h"

enum { PAGES = 256, PAGE_CHARACTERS = 256, WIDE = 1 };

#define FONT_MAGIC UINT32_C(0x544e4f46) // "FONT"

// 256 characters. `places`: 0 without a glyph, else twice its number from the page's first plus 2, and WIDE; numbers count glyphs
// of one column.
struct font_page {
    uint32_t first;
    uint16_t places[PAGE_CHARACTERS];
};

struct font {
    uint32_t magic, page_count, glyphs;
    uint8_t page_of[PAGES]; // of a character's high byte; page 0 is empty
    struct font_page pages[];
};

static const struct font *whole;

static size_t glyphs_at(const struct font *font) {
    return sizeof(*font) + font->page_count * sizeof(struct font_page);
}

error_t font_use(const void *file, size_t bytes) {
    const struct font *font = file;
    if (bytes < sizeof(*font) || font->magic != FONT_MAGIC || font->page_count == 0 || font->page_count > PAGES ||
        glyphs_at(font) > bytes || font->glyphs > (bytes - glyphs_at(font)) / FONT_HEIGHT)
        return ERR_CORRUPT;
    whole = font;
    return ERR_OK;
}

static const uint8_t *look_up(const struct font *font, uint32_t character, bool *wide) {
    if (character / PAGE_CHARACTERS >= PAGES || font->page_of[character / PAGE_CHARACTERS] >= font->page_count)
        return NULL;
    const struct font_page *page = &font->pages[font->page_of[character / PAGE_CHARACTERS]];
    uint32_t place = page->places[character % PAGE_CHARACTERS];
    *wide = place & WIDE;
    uint64_t number = (uint64_t)page->first + place / 2 - 1;
    if (place == 0 || number + 1 + *wide > font->glyphs)
        return NULL;
    return (const uint8_t *)font + glyphs_at(font) + number * FONT_HEIGHT;
}

const uint8_t *font_glyph(uint32_t character, bool *wide) {
    const uint8_t *glyph = look_up((const struct font *)(const void *)font_small, character, wide);
    return glyph != NULL || whole == NULL ? glyph : look_up(whole, character, wide);
}
