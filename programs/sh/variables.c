// The shell's variables: a hash table of chains, with a stack of saved values for local scopes.
#include "programs/sh/variables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/parser.h"

struct saved_variable {
    struct saved_variable *next;
    char *name;
    char *value;
    unsigned flags;
    bool existed;
};

static unsigned bucket_of(const char *name) {
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % VARIABLE_BUCKETS;
}

static struct variable *variable_find(const struct shell *shell, const char *name) {
    struct variable *variable = shell->variables[bucket_of(name)];
    while (variable && strcmp(variable->name, name) != 0)
        variable = variable->next;
    return variable;
}

const char *variable_get(const struct shell *shell, const char *name) {
    const struct variable *variable = variable_find(shell, name);
    return variable ? variable->value : NULL;
}

struct variable *variable_mark(struct shell *shell, const char *name, unsigned flags) {
    struct variable *variable = variable_find(shell, name);
    if (!variable) {
        size_t length = strlen(name);
        struct variable **bucket = &shell->variables[bucket_of(name)];
        variable = memory_allocate(sizeof(*variable) + length + 1);
        *variable = (struct variable){.next = *bucket};
        memcpy(variable->name, name, length + 1);
        *bucket = variable;
    }
    variable->flags |= flags;
    return variable;
}

static void value_replace(struct variable *variable, const char *value) {
    char *copy = value ? string_copy(value) : NULL; // first: it may be part of the old value
    free(variable->value);
    variable->value = copy;
}

bool variable_set(struct shell *shell, const char *name, const char *value) {
    struct variable *variable = variable_mark(shell, name, 0);
    if (variable->flags & VARIABLE_READONLY) {
        shell_error(name, "is read-only");
        return false;
    }
    value_replace(variable, value);
    return true;
}

static void variable_remove(struct shell *shell, const char *name) {
    struct variable **link = &shell->variables[bucket_of(name)];
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    struct variable *variable = *link;
    if (!variable)
        return;
    *link = variable->next;
    free(variable->value);
    free(variable);
}

bool variable_unset(struct shell *shell, const char *name) {
    const struct variable *variable = variable_find(shell, name);
    if (variable && variable->flags & VARIABLE_READONLY) {
        shell_error(name, "is read-only");
        return false;
    }
    variable_remove(shell, name);
    return true;
}

static int variable_compare(const void *left, const void *right) {
    return strcmp((*(struct variable *const *)left)->name, (*(struct variable *const *)right)->name);
}

static size_t variables_count(const struct shell *shell) {
    size_t count = 0;
    for (int i = 0; i < VARIABLE_BUCKETS; i++) {
        for (const struct variable *variable = shell->variables[i]; variable; variable = variable->next)
            count++;
    }
    return count;
}

struct variable **variables_sorted(struct shell *shell) {
    struct variable **list = region_allocate(&shell->temporary, (variables_count(shell) + 1) * sizeof(*list));
    size_t count = 0;
    for (int i = 0; i < VARIABLE_BUCKETS; i++) {
        for (struct variable *variable = shell->variables[i]; variable; variable = variable->next)
            list[count++] = variable;
    }
    if (count)
        qsort(list, count, sizeof(*list), variable_compare);
    list[count] = NULL;
    return list;
}

char **variables_environment(struct shell *shell) {
    char **environment = region_allocate(&shell->temporary, (variables_count(shell) + 1) * sizeof(char *));
    size_t count = 0;
    for (int i = 0; i < VARIABLE_BUCKETS; i++) {
        for (const struct variable *variable = shell->variables[i]; variable; variable = variable->next) {
            if (!(variable->flags & VARIABLE_EXPORTED) || !variable->value)
                continue;
            size_t name = strlen(variable->name);
            size_t value = strlen(variable->value);
            char *entry = region_allocate(&shell->temporary, name + value + 2);
            memcpy(entry, variable->name, name);
            entry[name] = '=';
            memcpy(entry + name + 1, variable->value, value);
            environment[count++] = entry;
        }
    }
    return environment;
}

void variable_save(struct shell *shell, const char *name) {
    const struct variable *variable = variable_find(shell, name);
    struct saved_variable *saved = memory_allocate(sizeof(*saved));
    *saved = (struct saved_variable){.next = shell->saved_variables,
                                     .name = string_copy(name),
                                     .value = variable && variable->value ? string_copy(variable->value) : NULL,
                                     .flags = variable ? variable->flags : 0,
                                     .existed = variable != NULL};
    shell->saved_variables = saved;
}

struct saved_variable *variables_mark(const struct shell *shell) {
    return shell->saved_variables;
}

void variables_restore(struct shell *shell, struct saved_variable *mark) {
    while (shell->saved_variables != mark) {
        struct saved_variable *saved = shell->saved_variables;
        shell->saved_variables = saved->next;
        variable_remove(shell, saved->name);
        if (saved->existed)
            variable_mark(shell, saved->name, saved->flags)->value = saved->value;
        else
            free(saved->value);
        free(saved->name);
        free(saved);
    }
}

void variables_import(struct shell *shell, char **environment) {
    for (; environment && *environment; environment++) {
        size_t length = name_length(*environment);
        if (!length || (*environment)[length] != '=')
            continue;
        struct region_mark mark = region_mark(&shell->temporary);
        const char *name = region_copy(&shell->temporary, *environment, length);
        value_replace(variable_mark(shell, name, VARIABLE_EXPORTED), *environment + length + 1);
        region_release(&shell->temporary, mark);
    }
}

void value_quote(struct buffer *out, const char *value) {
    buffer_append_byte(out, '\'');
    for (; *value; value++) {
        if (*value == '\'')
            buffer_append_text(out, "'\\''");
        else
            buffer_append_byte(out, *value);
    }
    buffer_append_byte(out, '\'');
}
