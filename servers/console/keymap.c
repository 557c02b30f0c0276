// See keymap.h. What comes from a file is checked before it is believed: it was written by anybody.
#include "servers/console/keymap.h"

#include <string.h>

static bool is_sound(const struct keymap *keymap) {
    if (memcmp(keymap->magic, "KKM1", sizeof(keymap->magic)) != 0 || keymap->name[KEYMAP_NAME - 1] != 0)
        return false;
    for (uint32_t i = 0; keymap->name[i] != 0; i++)
        if (keymap->name[i] < 0x21 || keymap->name[i] > 0x7e)
            return false;
    const uint16_t *character = &keymap->characters[0][0];
    for (uint32_t i = 0; i < KEYMAP_KEYS * KEYMAP_LEVELS; i++) {
        bool control = character[i] != 0 && character[i] < 0x20;
        bool surrogate = character[i] >= 0xd800 && character[i] < 0xe000;
        bool unknown = character[i] > KEYMAP_DEAD_MOST && character[i] < 0xf900;
        if (control || surrogate || unknown)
            return false;
    }
    return true;
}

const struct keymap *keymap_find(const void *bytes, size_t count) {
    if (count == sizeof(struct keymap) && (uintptr_t)bytes % _Alignof(struct keymap) == 0)
        return is_sound(bytes) ? bytes : NULL;
    for (uint32_t i = 0; i < keymap_count; i++)
        if (count == strlen(keymaps[i].name) && memcmp(bytes, keymaps[i].name, count) == 0)
            return &keymaps[i];
    return NULL;
}

uint16_t keymap_combine(const struct keymap_pair *pairs, uint32_t count, uint32_t first, uint32_t second) {
    for (uint32_t i = 0; i < count; i++)
        if (pairs[i].first == first && pairs[i].second == second)
            return pairs[i].result;
    return 0;
}
