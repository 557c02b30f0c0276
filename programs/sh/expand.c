// Expansion of words: walks the text of a word as it was written and builds bytes with marks. What begins
// with a dollar sign is in parameter.c; splitting and file names are in fields.c.
#include "programs/sh/expand.h"

#include <stdint.h>
#include <string.h>

#include "programs/sh/lexer.h"
#include "programs/sh/parser.h"
#include "programs/sh/substitute.h"
#include "programs/sh/variables.h"

void fields_add(struct shell *shell, struct fields *fields, char *text) {
    if (fields->count + 1 >= fields->capacity) {
        int capacity = fields->capacity ? fields->capacity * 2 : 8;
        char **items = region_allocate(&shell->temporary, (size_t)capacity * sizeof(char *));
        if (fields->count)
            memcpy(items, fields->items, (size_t)fields->count * sizeof(char *));
        fields->items = items;
        fields->capacity = capacity;
    }
    fields->items[fields->count++] = text;
}

char **fields_end(struct shell *shell, struct fields *fields) {
    fields_add(shell, fields, NULL);
    fields->count--;
    return fields->items;
}

void expansion_emit(struct expansion *expansion, const char *text, size_t length, unsigned marks) {
    buffer_append(&expansion->text, text, length);
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(&expansion->marks, (char)marks);
}

static void emit_literal(struct expansion *expansion, const char *text, size_t length, bool quoted) {
    expansion_emit(expansion, text, length, quoted ? MARK_QUOTED : expansion->in_parameter ? MARK_SPLIT : 0);
}

static void emit_empty(struct expansion *expansion) {
    expansion_emit(expansion, "", 1, MARK_EMPTY | MARK_QUOTED);
}

// The length of "..." including the quotes; the lexer has checked that it is closed.
static size_t double_quotes_length(const char *text, size_t length) {
    struct region scratch = {0};
    struct source source = {.text = {.data = (char *)(uintptr_t)text, .length = length}, .line = 1};
    struct parser parser;
    parser_init(&parser, &source, &scratch, NULL, NULL);
    size_t end = lexer_skip_double_quotes(&parser) ? source.position : length;
    region_free(&scratch);
    return end;
}

static bool expand_double_quotes(struct expansion *expansion, const char *text, size_t length, size_t *offset) {
    size_t size = double_quotes_length(text + *offset, length - *offset);
    size_t before = expansion->text.length;
    bool outer_empty = expansion->arguments_were_empty;
    expansion->arguments_were_empty = false;
    size_t inner = size >= 2 ? size - 2 : 0;
    bool done = expand_range(expansion, text + *offset + 1, inner, true);
    if (done && expansion->text.length == before && !expansion->arguments_were_empty)
        emit_empty(expansion);
    expansion->arguments_were_empty = outer_empty;
    *offset += size;
    return done;
}

// `commands`: within, a backslash only protects a few characters.
static bool expand_backquotes(struct expansion *expansion, const char *text, size_t length, size_t *offset, bool quoted) {
    struct buffer script;
    buffer_init(&script);
    size_t i = *offset + 1;
    for (; i < length && text[i] != '`'; i++) {
        bool protects = text[i] == '\\' && i + 1 < length && (strchr("$`\\", text[i + 1]) || (quoted && text[i + 1] == '"'));
        buffer_append_byte(&script, text[protects ? ++i : i]);
    }
    *offset = i < length ? i + 1 : length;
    bool done = substitute(expansion->shell, script.data, script.length, expansion, quoted);
    buffer_free(&script);
    return done;
}

static size_t expand_single_quotes(struct expansion *expansion, const char *text, size_t length, size_t offset) {
    const char *end = memchr(text + offset + 1, '\'', length - offset - 1);
    size_t stop = end ? (size_t)(end - text) : length;
    if (stop == offset + 1)
        emit_empty(expansion);
    expansion_emit(expansion, text + offset + 1, stop - offset - 1, MARK_QUOTED);
    return end ? stop + 1 : length;
}

// A backslash; returns the offset behind what it concerns.
static size_t expand_backslash(struct expansion *expansion, const char *text, size_t length, size_t offset, bool quoted) {
    if (offset + 1 >= length) {
        emit_literal(expansion, "\\", 1, true);
        return length;
    }
    char next = text[offset + 1];
    if (next == '\n')
        return offset + 2;
    bool here = expansion->mode == EXPAND_HERE;
    if (quoted && (!strchr("$`\\\"}", next) || (here && next == '"'))) {
        emit_literal(expansion, "\\", 1, true);
        return offset + 1;
    }
    if (quoted && next == '}' && !expansion->in_parameter)
        emit_literal(expansion, "\\", 1, true);
    expansion_emit(expansion, &text[offset + 1], 1, MARK_QUOTED);
    return offset + 2;
}

bool expand_range(struct expansion *expansion, const char *text, size_t length, bool quoted) {
    for (size_t offset = 0; offset < length;) {
        char c = text[offset];
        if (c == '\\') {
            offset = expand_backslash(expansion, text, length, offset, quoted);
        } else if (c == '$') {
            if (!expand_dollar(expansion, text, length, &offset, quoted))
                return false;
        } else if (c == '`') {
            if (!expand_backquotes(expansion, text, length, &offset, quoted))
                return false;
        } else if (c == '\'' && !quoted) {
            offset = expand_single_quotes(expansion, text, length, offset);
        } else if (c == '"' && !quoted) {
            if (!expand_double_quotes(expansion, text, length, &offset))
                return false;
        } else if (c == '"' && expansion->mode != EXPAND_HERE && expansion->mode != EXPAND_PROMPT) {
            offset++; // "${x:-"word"}": the inner quotes go
        } else {
            emit_literal(expansion, &text[offset++], 1, quoted);
        }
    }
    return true;
}

// A tilde prefix at the start of the text; returns its length.
static size_t expand_tilde(struct expansion *expansion, const char *text) {
    if (text[0] != '~' || (text[1] && text[1] != '/' && !(expansion->mode == EXPAND_ASSIGN && text[1] == ':')))
        return 0;
    const char *home = variable_get(expansion->shell, "HOME");
    if (!home)
        return 0;
    expansion_emit(expansion, home, strlen(home), MARK_QUOTED);
    return 1;
}

static bool expand_whole(struct expansion *expansion, const char *text) {
    size_t offset = 0;
    bool quoted = expansion->mode == EXPAND_HERE || expansion->mode == EXPAND_PROMPT;
    if (!quoted)
        offset = expand_tilde(expansion, text);
    if (expansion->mode != EXPAND_ASSIGN)
        return expand_range(expansion, text + offset, strlen(text + offset), quoted);
    // In an assignment a tilde counts after each unquoted colon; quotes and dollars hide theirs from this
    // simple search.
    for (;;) {
        const char *rest = text + offset;
        size_t plain = strcspn(rest, ":'\"\\$`");
        bool colon = rest[plain] == ':';
        if (!expand_range(expansion, rest, colon ? plain + 1 : strlen(rest), false))
            return false;
        if (!colon)
            return true;
        offset += plain + 1;
        offset += expand_tilde(expansion, text + offset);
    }
}

static void expansion_init(struct expansion *expansion, struct shell *shell, enum expand_mode mode) {
    *expansion = (struct expansion){.shell = shell, .mode = mode};
    buffer_init(&expansion->text);
    buffer_init(&expansion->marks);
}

static void expansion_free(struct expansion *expansion) {
    buffer_free(&expansion->text);
    buffer_free(&expansion->marks);
}

bool expand_words(struct shell *shell, const struct word *words, struct fields *fields) {
    for (; words; words = words->next) {
        // Most words are plain.
        if (!strpbrk(words->text, "\\\"'$`*?[~")) {
            fields_add(shell, fields, region_copy(&shell->temporary, words->text, strlen(words->text)));
            continue;
        }
        struct expansion expansion;
        expansion_init(&expansion, shell, EXPAND_VALUE);
        expansion.splits = true;
        bool done = expand_whole(&expansion, words->text);
        if (done)
            expansion_split(&expansion, fields);
        expansion_free(&expansion);
        if (!done)
            return false;
    }
    return true;
}

// The bytes that are there; in a pattern, with what was quoted escaped.
static char *expansion_text(struct expansion *expansion) {
    struct buffer out;
    buffer_init(&out);
    for (size_t i = 0; i < expansion->text.length; i++) {
        unsigned marks = (unsigned char)expansion->marks.data[i];
        char c = expansion->text.data[i];
        if (marks & (MARK_BREAK | MARK_EMPTY))
            continue;
        if (expansion->mode == EXPAND_PATTERN && marks & MARK_QUOTED && strchr("*?[]\\-!^", c))
            buffer_append_byte(&out, '\\');
        buffer_append_byte(&out, c);
    }
    char *text = region_copy(&expansion->shell->temporary, out.data, out.length);
    buffer_free(&out);
    return text;
}

char *expand_text(struct shell *shell, const char *text, enum expand_mode mode) {
    struct expansion expansion;
    expansion_init(&expansion, shell, mode);
    char *result = expand_whole(&expansion, text) ? expansion_text(&expansion) : NULL;
    expansion_free(&expansion);
    return result;
}

static bool assigns(const char *text) {
    if (strstr(text, "++") || strstr(text, "--"))
        return true;
    for (const char *sign = strchr(text, '='); sign; sign = strchr(sign + 1, '=')) {
        if (!strchr("=!<>", sign[-1]) && sign[1] != '=')
            return true;
        if (sign[1] == '=')
            sign++;
        else if ((sign[-1] == '<' || sign[-1] == '>') && sign[-2] == sign[-1]) // <<= and >>=
            return true;
    }
    return false;
}

bool word_has_side_effects(const char *text) {
    for (const char *dollar = strchr(text, '$'); dollar; dollar = strchr(dollar + 1, '$')) {
        if (strncmp(dollar, "$((", 3) == 0 && assigns(dollar + 3))
            return true;
        if (dollar[1] == '{') {
            const char *end = dollar + 2 + name_length(dollar + 2);
            if (*end == '=' || *end == '?' || (*end == ':' && (end[1] == '=' || end[1] == '?')))
                return true;
        }
    }
    return false;
}
