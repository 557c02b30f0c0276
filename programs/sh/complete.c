// Completion. The word is found by its separators, its quotes are taken off for the search, and what is
// inserted is quoted by backslashes where a shell would misread it.
#include "programs/sh/complete.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/common/files.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/variables.h"

static bool is_separator(char c) {
    return c && strchr(" \t;|&<>()\"'`=", c) != NULL;
}

static size_t word_start(const char *text, size_t cursor) {
    size_t start = cursor;
    while (start && (!is_separator(text[start - 1]) || (start > 1 && text[start - 2] == '\\')))
        start--;
    return start;
}

// Whether a command is expected where the word starts.
static bool is_command_place(const char *text, size_t start) {
    static const char *const openers[] = {"do", "then", "else", "elif", "if", "while", "until", "!", "{"};
    while (start && (text[start - 1] == ' ' || text[start - 1] == '\t'))
        start--;
    if (!start || strchr(";|&(`", text[start - 1]))
        return true;
    size_t end = start;
    while (start && !is_separator(text[start - 1]))
        start--;
    for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++) {
        if (strlen(openers[i]) == end - start && strncmp(openers[i], text + start, end - start) == 0)
            return true;
    }
    return false;
}

static void candidate_add(struct completion *completion, const char *name, const char *suffix) {
    if (completion->count == completion->capacity) {
        completion->capacity = completion->capacity ? completion->capacity * 2 : 32;
        completion->names = memory_resize(completion->names, completion->capacity * sizeof(char *));
    }
    struct buffer text;
    buffer_init(&text);
    buffer_format(&text, "%s%s", name, suffix);
    completion->names[completion->count++] = buffer_take_final(&text);
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void add_files(struct completion *completion, const char *directory, const char *prefix, bool executable) {
    struct directory_list list;
    if (!directory_read(directory, &list))
        return;
    for (size_t i = 0; i < list.count; i++) {
        struct stat info;
        if (!starts_with(list.names[i], prefix) || (list.names[i][0] == '.' && *prefix != '.'))
            continue;
        char *path = path_join(directory, list.names[i]);
        bool known = stat(path, &info) == 0;
        free(path);
        bool is_directory = known && S_ISDIR(info.st_mode);
        if (executable && (!known || is_directory || !(info.st_mode & 0111)))
            continue;
        candidate_add(completion, list.names[i], is_directory ? "/" : "");
    }
    directory_free(&list);
}

static void add_commands(struct shell *shell, struct completion *completion, const char *prefix) {
    size_t count;
    const struct builtin *builtins = builtin_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (starts_with(builtins[i].name, prefix))
            candidate_add(completion, builtins[i].name, "");
    }
    for (const struct function *function = shell->functions; function; function = function->next) {
        if (starts_with(function->name, prefix))
            candidate_add(completion, function->name, "");
    }
    for (const struct alias *alias = shell->aliases; alias; alias = alias->next) {
        if (starts_with(alias->name, prefix))
            candidate_add(completion, alias->name, "");
    }
    const char *path = variable_get(shell, "PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char *directory = region_copy(&shell->temporary, path, length);
        if (length)
            add_files(completion, directory, prefix, true);
        path += length + (path[length] == ':');
    }
}

static void add_variables(struct shell *shell, struct completion *completion, const char *prefix) {
    for (struct variable **list = variables_sorted(shell); *list; list++) {
        if ((*list)->value && starts_with((*list)->name, prefix))
            candidate_add(completion, (*list)->name, "");
    }
}

static int name_compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void candidates_sort(struct completion *completion) {
    if (completion->count == 0)
        return;
    qsort(completion->names, completion->count, sizeof(char *), name_compare);
    size_t kept = 1;
    for (size_t i = 1; i < completion->count; i++) {
        if (strcmp(completion->names[i], completion->names[kept - 1]) == 0)
            free(completion->names[i]);
        else
            completion->names[kept++] = completion->names[i];
    }
    completion->count = kept;
}

// What all candidates have in common beyond the prefix.
static void common_insert(struct completion *completion, size_t prefix, bool is_variable) {
    const char *first = completion->names[0];
    size_t length = strlen(first);
    for (size_t i = 1; i < completion->count; i++) {
        size_t same = 0;
        while (same < length && completion->names[i][same] == first[same])
            same++;
        length = same;
    }
    while (length > prefix && ((unsigned char)first[length] & 0xc0) == 0x80)
        length--; // not into the middle of a character
    for (size_t i = prefix; i < length; i++) {
        if (!is_variable && strchr(" \t\\\"'$`*?[]{}()<>|&;#~!", first[i]))
            buffer_append_byte(&completion->insert, '\\');
        buffer_append_byte(&completion->insert, first[i]);
    }
    if (completion->count == 1 && first[length - 1] != '/')
        buffer_append_byte(&completion->insert, ' ');
}

void complete(struct shell *shell, const char *text, size_t cursor, struct completion *completion) {
    struct region_mark mark = region_mark(&shell->temporary);
    *completion = (struct completion){0};
    buffer_init(&completion->insert);
    size_t start = word_start(text, cursor);
    char *word = region_copy(&shell->temporary, text + start, cursor - start);
    size_t used = 0;
    for (size_t i = 0; word[i]; i++) {
        if (word[i] == '\\' && word[i + 1])
            i++;
        word[used++] = word[i];
    }
    word[used] = 0;
    char *slash = strrchr(word, '/');
    const char *prefix = word;
    bool is_variable = word[0] == '$' && !slash;
    if (is_variable) {
        prefix = word + 1;
        add_variables(shell, completion, prefix);
    } else if (slash) {
        prefix = slash + 1;
        const char *home = variable_get(shell, "HOME");
        char *directory = region_copy(&shell->temporary, word, (size_t)(slash - word) + 1);
        if (directory[0] == '~' && directory[1] == '/' && home) {
            char *joined = path_join(home, directory + 2);
            directory = region_copy(&shell->temporary, joined, strlen(joined));
            free(joined);
        }
        add_files(completion, directory, prefix, false);
    } else if (is_command_place(text, start)) {
        add_commands(shell, completion, prefix);
        if (completion->count == 0)
            add_files(completion, ".", prefix, false);
    } else {
        add_files(completion, ".", prefix, false);
    }
    candidates_sort(completion);
    if (completion->count)
        common_insert(completion, strlen(prefix), is_variable);
    region_release(&shell->temporary, mark);
}

void completion_free(struct completion *completion) {
    for (size_t i = 0; i < completion->count; i++)
        free(completion->names[i]);
    free(completion->names);
    buffer_free(&completion->insert);
}
