// Field splitting (XCU 2.6.5) and file name expansion (2.6.6) of what expand.c has built.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/common/files.h"
#include "programs/common/pattern.h"
#include "programs/common/program.h"
#include "programs/sh/expand.h"
#include "programs/sh/variables.h"

struct splitter {
    struct shell *shell;
    struct fields *fields;
    const char *separators;
    struct buffer text;    // of the field being collected
    struct buffer pattern; // the same, quoted characters escaped
    bool present;          // the field exists, even if it is empty
    bool after_blank;      // the last field was ended by a blank, which may be part of a longer separator
};

// Appends the names that match `pattern` (from a component start on) below `prefix`.
static void names_expand(struct shell *shell, struct fields *fields, const char *prefix, const char *pattern) {
    size_t slashes = strspn(pattern, "/");
    size_t length = strcspn(pattern + slashes, "/");
    char *component = region_copy(&shell->temporary, pattern + slashes, length);
    const char *rest = pattern + slashes + length;
    struct buffer path;
    buffer_init(&path);
    buffer_append_text(&path, prefix);
    buffer_append(&path, pattern, slashes);
    size_t base = path.length;
    if (!pattern_is_magic(component)) {
        for (const char *c = component; *c; c++) {
            if (*c == '\\' && c[1])
                c++;
            buffer_append_byte(&path, *c);
        }
        struct stat info;
        if (*rest)
            names_expand(shell, fields, path.data, rest);
        else if (lstat(path.data, &info) == 0)
            fields_add(shell, fields, region_copy(&shell->temporary, path.data, path.length));
        buffer_free(&path);
        return;
    }
    struct directory_list list;
    if (!directory_read(base ? path.data : ".", &list))
        list = (struct directory_list){0};
    const char *first = component[0] == '\\' ? component + 1 : component;
    for (size_t i = 0; i < list.count; i++) {
        const char *name = list.names[i];
        if ((name[0] == '.' && first[0] != '.') || !pattern_match(component, name, strlen(name)))
            continue;
        buffer_replace(&path, base, path.length - base, name, strlen(name));
        struct stat info;
        if (!*rest)
            fields_add(shell, fields, region_copy(&shell->temporary, path.data, path.length));
        else if (stat(path.data, &info) == 0 && S_ISDIR(info.st_mode))
            names_expand(shell, fields, path.data, rest);
    }
    directory_free(&list);
    buffer_free(&path);
}

static int field_compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void field_finish(struct splitter *splitter) {
    if (!splitter->present)
        return;
    struct shell *shell = splitter->shell;
    int before = splitter->fields->count;
    if (!shell->noglob && pattern_is_magic(splitter->pattern.data))
        names_expand(shell, splitter->fields, "", splitter->pattern.data);
    int found = splitter->fields->count - before;
    if (found > 1)
        qsort(splitter->fields->items + before, (size_t)found, sizeof(char *), field_compare);
    if (found == 0)
        fields_add(shell, splitter->fields, region_copy(&shell->temporary, splitter->text.data, splitter->text.length));
    buffer_clear(&splitter->text);
    buffer_clear(&splitter->pattern);
    splitter->present = false;
}

static void field_byte(struct splitter *splitter, char c, unsigned marks) {
    splitter->present = true;
    splitter->after_blank = false;
    if (marks & MARK_EMPTY)
        return;
    buffer_append_byte(&splitter->text, c);
    if (marks & MARK_QUOTED && strchr("*?[]\\-!^", c))
        buffer_append_byte(&splitter->pattern, '\\');
    else if (c == '\\') // unquoted, from a variable: stands for itself
        buffer_append_byte(&splitter->pattern, '\\');
    buffer_append_byte(&splitter->pattern, c);
}

// Blanks among the separators join into one; any other ends a field, even an empty one.
static void separator_byte(struct splitter *splitter, char c) {
    if (c == ' ' || c == '\t' || c == '\n') {
        if (splitter->present) {
            field_finish(splitter);
            splitter->after_blank = true;
        }
    } else if (splitter->after_blank) {
        splitter->after_blank = false;
    } else {
        splitter->present = true;
        field_finish(splitter);
    }
}

void expansion_split(struct expansion *expansion, struct fields *fields) {
    const char *separators = variable_get(expansion->shell, "IFS");
    struct splitter splitter = {.shell = expansion->shell, .fields = fields, .separators = separators ? separators : " \t\n"};
    buffer_init(&splitter.text);
    buffer_init(&splitter.pattern);
    for (size_t i = 0; i < expansion->text.length; i++) {
        unsigned marks = (unsigned char)expansion->marks.data[i];
        char c = expansion->text.data[i];
        if (marks & MARK_BREAK) {
            field_finish(&splitter);
            splitter.after_blank = false;
        } else if (marks & MARK_SPLIT && c && strchr(splitter.separators, c)) {
            separator_byte(&splitter, c);
        } else {
            field_byte(&splitter, c, marks);
        }
    }
    field_finish(&splitter);
    buffer_free(&splitter.text);
    buffer_free(&splitter.pattern);
}
