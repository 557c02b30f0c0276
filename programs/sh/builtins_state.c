// Builtins that change the shell's state: variables, arguments, options, aliases. They change nothing but
// tables; what concerns the process itself is in builtins_directory.c.
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/parser.h"
#include "programs/sh/variables.h"

static void variables_list(struct shell *shell, const char *command, unsigned flags, struct buffer *out) {
    for (struct variable **list = variables_sorted(shell); *list; list++) {
        if (flags && !((*list)->flags & flags))
            continue;
        if (!flags && !(*list)->value)
            continue;
        buffer_format(out, "%s%s%s", command, *command ? " " : "", (*list)->name);
        if ((*list)->value) {
            buffer_append_byte(out, '=');
            value_quote(out, (*list)->value);
        }
        buffer_append_byte(out, '\n');
    }
}

// Splits name=value; false after a message if the name is none. *value is null without "=".
static bool assignment_split(struct shell *shell, const char *command, const char *text, char **name, const char **value) {
    size_t length = name_length(text);
    if (!length || (text[length] && text[length] != '=')) {
        shell_error(command, "not a name: %s", text);
        return false;
    }
    *name = region_copy(&shell->temporary, text, length);
    *value = text[length] ? text + length + 1 : NULL;
    return true;
}

int builtin_export(struct shell *shell, int argc, char **argv, struct buffer *out) {
    unsigned flag = strcmp(argv[0], "export") == 0 ? VARIABLE_EXPORTED : VARIABLE_READONLY;
    if (argc == 1 || strcmp(argv[1], "-p") == 0) {
        variables_list(shell, argv[0], flag, out);
        return 0;
    }
    int status = 0;
    for (int i = 1; i < argc; i++) {
        char *name;
        const char *value;
        if (i == 1 && strcmp(argv[i], "--") == 0)
            continue;
        if (!assignment_split(shell, argv[0], argv[i], &name, &value) || (value && !variable_set(shell, name, value))) {
            status = STATUS_SYNTAX;
            continue;
        }
        variable_mark(shell, name, flag);
    }
    if (status)
        shell_abort(shell, status);
    return status;
}

int builtin_local(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    if (!shell->function_depth) {
        shell_error("local", "not in a function");
        return 1;
    }
    int status = 0;
    for (int i = 1; i < argc; i++) {
        char *name;
        const char *value;
        if (!assignment_split(shell, "local", argv[i], &name, &value)) {
            status = 1;
            continue;
        }
        variable_save(shell, name);
        if (value && !variable_set(shell, name, value))
            status = 1;
    }
    return status;
}

int builtin_unset(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    int index = 1;
    bool functions = false;
    for (; index < argc && argv[index][0] == '-'; index++)
        functions = strcmp(argv[index], "-f") == 0;
    int status = 0;
    for (; index < argc; index++) {
        if (functions) {
            function_remove(shell, argv[index]);
        } else if (!is_name(argv[index])) {
            shell_error("unset", "not a name: %s", argv[index]);
            status = 1;
        } else if (!variable_get(shell, argv[index]) && function_remove(shell, argv[index])) {
            continue;
        } else if (!variable_unset(shell, argv[index])) {
            status = 1;
        }
    }
    return status;
}

static bool *option_find(struct shell *shell, const char *text) {
    struct {
        const char *name;
        bool *option;
    } options[] = {{"errexit", &shell->errexit},
                   {"nounset", &shell->nounset},
                   {"xtrace", &shell->xtrace},
                   {"noglob", &shell->noglob},
                   {"noclobber", &shell->noclobber},
                   {"e", &shell->errexit},
                   {"u", &shell->nounset},
                   {"x", &shell->xtrace},
                   {"f", &shell->noglob},
                   {"C", &shell->noclobber}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, text) == 0)
            return options[i].option;
    }
    return NULL;
}

// -eux, +x, -o errexit; returns how many words were used, 0 if one is wrong.
static int option_set(struct shell *shell, char **words, int count) {
    bool on = words[0][0] == '-';
    for (const char *letter = words[0] + 1; *letter; letter++) {
        char text[2] = {*letter, 0};
        bool *option = *letter == 'o' && count > 1 ? option_find(shell, words[1]) : option_find(shell, text);
        if (!option) {
            shell_error("set", "%c%s: unknown option", words[0][0], *letter == 'o' && count > 1 ? words[1] : text);
            return 0;
        }
        *option = on;
        if (*letter == 'o')
            return 2;
    }
    return 1;
}

int builtin_set(struct shell *shell, int argc, char **argv, struct buffer *out) {
    if (argc == 1) {
        variables_list(shell, "", 0, out);
        return 0;
    }
    int index = 1;
    bool arguments = false;
    while (index < argc && (argv[index][0] == '-' || argv[index][0] == '+') && argv[index][1]) {
        if (strcmp(argv[index], "--") == 0) {
            arguments = true;
            index++;
            break;
        }
        int used = option_set(shell, argv + index, argc - index);
        if (!used) {
            shell_abort(shell, STATUS_SYNTAX);
            return STATUS_SYNTAX;
        }
        index += used;
    }
    if (arguments || index < argc)
        shell_set_arguments(shell, argv + index, argc - index);
    return 0;
}

int builtin_shift(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    long count = 1;
    if (argc > 1 && !builtin_number("shift", argv[1], &count))
        return STATUS_SYNTAX;
    if (count > shell->argument_count) {
        shell_error("shift", "there are only %d arguments", shell->argument_count);
        shell_abort(shell, STATUS_SYNTAX);
        return STATUS_SYNTAX;
    }
    for (long i = 0; i < count; i++)
        free(shell->arguments[i]);
    shell->argument_count -= (int)count;
    memmove(shell->arguments, shell->arguments + count, (size_t)shell->argument_count * sizeof(char *));
    return 0;
}

void alias_set(struct shell *shell, const char *name, const char *value) {
    struct alias **link = &shell->aliases;
    while (*link && strcmp((*link)->name, name) < 0)
        link = &(*link)->next;
    if (!*link || strcmp((*link)->name, name) != 0) {
        struct alias *alias = memory_allocate(sizeof(*alias));
        *alias = (struct alias){.next = *link, .name = string_copy(name)};
        *link = alias;
    }
    free((*link)->value);
    (*link)->value = string_copy(value);
}

int builtin_alias(struct shell *shell, int argc, char **argv, struct buffer *out) {
    int status = 0;
    for (const struct alias *alias = shell->aliases; argc == 1 && alias; alias = alias->next) {
        buffer_format(out, "%s=", alias->name);
        value_quote(out, alias->value);
        buffer_append_byte(out, '\n');
    }
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        const char *value = shell_alias_find(shell, argv[i]);
        if (equals && equals > argv[i]) {
            alias_set(shell, region_copy(&shell->temporary, argv[i], (size_t)(equals - argv[i])), equals + 1);
        } else if (value) {
            buffer_format(out, "%s=", argv[i]);
            value_quote(out, value);
            buffer_append_byte(out, '\n');
        } else {
            shell_error("alias", "not found: %s", argv[i]);
            status = 1;
        }
    }
    return status;
}

int builtin_unalias(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    int status = 0;
    bool all = argc > 1 && strcmp(argv[1], "-a") == 0;
    for (int i = all ? 0 : 1; i < argc; i++) {
        struct alias **link = &shell->aliases;
        bool found = all;
        while (*link) {
            struct alias *alias = *link;
            if (!all && strcmp(alias->name, argv[i]) != 0) {
                link = &alias->next;
                continue;
            }
            *link = alias->next;
            free(alias->name);
            free(alias->value);
            free(alias);
            found = true;
        }
        if (all)
            break;
        if (!found) {
            shell_error("unalias", "not found: %s", argv[i]);
            status = 1;
        }
    }
    return status;
}
