// What begins with a dollar sign: parameters with all their operators, $(...), $((...)) and $'...'.
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/pattern.h"
#include "programs/common/utf8.h"
#include "programs/common/escape.h"
#include "programs/sh/expand.h"
#include "programs/sh/parser.h"
#include "programs/sh/substitute.h"
#include "programs/sh/variables.h"

struct parameter {
    const char *name;  // in the temporary region
    bool is_list;      // $@ or $*
    const char *value; // null if unset; not for lists
};

static unsigned value_marks(bool quoted) {
    return quoted ? MARK_QUOTED : MARK_SPLIT;
}

static void emit_value(struct expansion *expansion, const char *value, bool quoted) {
    expansion_emit(expansion, value, strlen(value), value_marks(quoted));
}

static void options_text(const struct shell *shell, char *text) {
    if (shell->errexit)
        *text++ = 'e';
    if (shell->noglob)
        *text++ = 'f';
    if (shell->interactive)
        *text++ = 'i';
    if (shell->nounset)
        *text++ = 'u';
    if (shell->xtrace)
        *text++ = 'x';
    if (shell->noclobber)
        *text++ = 'C';
    *text = 0;
}

// The value of a parameter that is no list; null if it is not set.
static const char *parameter_value(struct shell *shell, const char *name) {
    char *number = region_allocate(&shell->temporary, 24);
    if (isdigit((unsigned char)*name)) {
        long index = strtol(name, NULL, 10);
        return index == 0 ? shell->name : index <= shell->argument_count ? shell->arguments[index - 1] : NULL;
    }
    switch (*name) {
    case '#':
        snprintf(number, 24, "%d", shell->argument_count);
        return number;
    case '?':
        snprintf(number, 24, "%d", shell->last_status);
        return number;
    case '$':
        snprintf(number, 24, "%ld", (long)shell->pid);
        return number;
    case '!':
        snprintf(number, 24, "%ld", (long)shell->last_background);
        return shell->last_background ? number : NULL;
    case '-':
        options_text(shell, number);
        return number;
    default:
        break;
    }
    if (strcmp(name, "LINENO") == 0) {
        snprintf(number, 24, "%d", shell->line);
        return number;
    }
    return variable_get(shell, name);
}

// The arguments: as separate fields, or in one string with a separator.
static void emit_arguments(struct expansion *expansion, char which, bool quoted) {
    struct shell *shell = expansion->shell;
    const char *ifs = variable_get(shell, "IFS");
    char separator = which == '@' || !ifs ? ' ' : *ifs;
    bool separate = expansion->splits && !(quoted && which == '*');
    if (shell->argument_count == 0)
        expansion->arguments_were_empty |= which == '@';
    for (int i = 0; i < shell->argument_count; i++) {
        const char *argument = shell->arguments[i];
        if (i && separate)
            expansion_emit(expansion, "", 1, MARK_BREAK);
        else if (i && separator)
            expansion_emit(expansion, &separator, 1, value_marks(quoted));
        emit_value(expansion, argument, quoted);
        if (separate && quoted && !*argument)
            expansion_emit(expansion, "", 1, MARK_EMPTY | MARK_QUOTED);
    }
}

static bool parameter_unset(struct shell *shell, const char *name, const char *message) {
    shell_error(name, "%s", message);
    shell_abort(shell, STATUS_SYNTAX);
    return false;
}

// The plain value, or an error under `set -u`.
static bool emit_parameter(struct expansion *expansion, const struct parameter *parameter, bool quoted) {
    if (parameter->is_list) {
        emit_arguments(expansion, *parameter->name, quoted);
        return true;
    }
    if (parameter->value)
        emit_value(expansion, parameter->value, quoted);
    else if (expansion->shell->nounset)
        return parameter_unset(expansion->shell, parameter->name, "parameter not set");
    return true;
}

static struct parameter parameter_make(struct shell *shell, const char *name, size_t length) {
    struct parameter parameter = {.name = region_copy(&shell->temporary, name, length)};
    parameter.is_list = length == 1 && (*name == '@' || *name == '*');
    if (!parameter.is_list)
        parameter.value = parameter_value(shell, parameter.name);
    return parameter;
}

// ${#name}: characters, not bytes.
static void emit_length(struct expansion *expansion, const struct parameter *parameter, bool quoted) {
    size_t count = 0;
    if (parameter->is_list) {
        count = (size_t)expansion->shell->argument_count;
    } else if (parameter->value) {
        size_t length = strlen(parameter->value);
        for (size_t offset = 0; offset < length; offset = utf8_next(parameter->value, length, offset))
            count++;
    }
    char number[24];
    snprintf(number, sizeof(number), "%zu", count);
    emit_value(expansion, number, quoted);
}

// ${name%word} and its kin: cuts the shortest or, when the operator is doubled, the longest piece that
// matches.
static bool emit_trimmed(struct expansion *expansion, const struct parameter *parameter, char sign, bool longest,
                         const char *word, bool quoted) {
    struct shell *shell = expansion->shell;
    const char *pattern = expand_text(shell, word, EXPAND_PATTERN);
    if (!pattern)
        return false;
    if (!parameter->value && !parameter->is_list && shell->nounset)
        return parameter_unset(shell, parameter->name, "parameter not set");
    const char *value = parameter->value;
    if (parameter->is_list)
        value = expand_text(shell, "\"$*\"", EXPAND_VALUE);
    if (!value)
        return true;
    size_t length = strlen(value);
    size_t cut = 0;
    for (size_t i = 0; i <= length; i++) {
        // The lengths of the pieces, from the preferred one on.
        size_t size = longest ? length - i : i;
        const char *piece = sign == '#' ? value : value + length - size;
        if (pattern_match(pattern, piece, size)) {
            cut = size;
            break;
        }
    }
    expansion_emit(expansion, sign == '#' ? value + cut : value, length - cut, value_marks(quoted));
    return true;
}

static bool assign_default(struct expansion *expansion, const struct parameter *parameter, const char *word, bool quoted) {
    struct shell *shell = expansion->shell;
    if (!is_name(parameter->name))
        return parameter_unset(shell, parameter->name, "cannot be assigned to");
    const char *value = expand_text(shell, word, quoted ? EXPAND_PROMPT : EXPAND_VALUE);
    if (!value)
        return false;
    if (!variable_set(shell, parameter->name, value)) {
        shell_abort(shell, STATUS_SYNTAX);
        return false;
    }
    emit_value(expansion, value, quoted);
    return true;
}

static bool emit_word(struct expansion *expansion, const char *word, bool quoted) {
    bool outer = expansion->in_parameter;
    expansion->in_parameter = true;
    size_t offset = 0;
    const char *home = variable_get(expansion->shell, "HOME");
    if (!quoted && home && word[0] == '~' && (!word[1] || word[1] == '/')) {
        expansion_emit(expansion, home, strlen(home), MARK_QUOTED);
        offset = 1;
    }
    bool done = expand_range(expansion, word + offset, strlen(word + offset), quoted);
    expansion->in_parameter = outer;
    return done;
}

// The operators - = ? + with and without a colon.
static bool emit_conditional(struct expansion *expansion, const struct parameter *parameter, char sign, bool colon,
                             const char *word, bool quoted) {
    bool set = parameter->value != NULL;
    bool empty = set && !*parameter->value;
    if (parameter->is_list) {
        set = expansion->shell->argument_count > 0;
        empty = set && expansion->shell->argument_count == 1 && !*expansion->shell->arguments[0];
    }
    bool use_value = set && !(colon && empty);
    if (sign == '+')
        return use_value ? emit_word(expansion, word, quoted) : true;
    if (use_value)
        return emit_parameter(expansion, parameter, quoted);
    if (sign == '-')
        return emit_word(expansion, word, quoted);
    if (sign == '=')
        return assign_default(expansion, parameter, word, quoted);
    const char *message = *word ? expand_text(expansion->shell, word, EXPAND_VALUE) : "parameter not set";
    return message ? parameter_unset(expansion->shell, parameter->name, message) : false;
}

static size_t parameter_name_length(const char *text) {
    size_t length = name_length(text);
    if (length)
        return length;
    length = strspn(text, "0123456789");
    if (length)
        return length;
    return *text && strchr("@*#?-$!", *text) ? 1 : 0;
}

// The inside of ${...}, as a string of its own.
static bool expand_braces(struct expansion *expansion, const char *inside, bool quoted) {
    struct shell *shell = expansion->shell;
    size_t length = parameter_name_length(inside + 1);
    if (inside[0] == '#' && length && !inside[1 + length]) {
        struct parameter parameter = parameter_make(shell, inside + 1, length);
        if (!parameter.is_list && !parameter.value && shell->nounset)
            return parameter_unset(shell, parameter.name, "parameter not set");
        emit_length(expansion, &parameter, quoted);
        return true;
    }
    length = parameter_name_length(inside);
    const char *rest = inside + length;
    if (length) {
        struct parameter parameter = parameter_make(shell, inside, length);
        if (!*rest)
            return emit_parameter(expansion, &parameter, quoted);
        bool colon = *rest == ':';
        if (rest[colon] && strchr("-=?+", rest[colon]))
            return emit_conditional(expansion, &parameter, rest[colon], colon, rest + colon + 1, quoted);
        if (*rest == '%' || *rest == '#') {
            bool longest = rest[1] == rest[0];
            return emit_trimmed(expansion, &parameter, *rest, longest, rest + 1 + longest, quoted);
        }
    }
    shell_error(NULL, "${%s}: bad substitution", inside);
    shell_abort(shell, STATUS_SYNTAX);
    return false;
}

static bool expand_arithmetic(struct expansion *expansion, const char *inside, bool quoted) {
    char *text = expand_text(expansion->shell, inside, EXPAND_PROMPT);
    long long value;
    if (!text)
        return false;
    if (!arithmetic_evaluate(expansion->shell, text, &value)) {
        shell_abort(expansion->shell, STATUS_SYNTAX);
        return false;
    }
    char number[24];
    snprintf(number, sizeof(number), "%lld", value);
    emit_value(expansion, number, quoted);
    return true;
}

static size_t dollar_length(const char *text, size_t length, bool quoted, bool *is_arithmetic) {
    struct region scratch = {0};
    struct source source = {.text = {.data = (char *)(uintptr_t)text, .length = length}, .line = 1};
    struct parser parser;
    parser_init(&parser, &source, &scratch, NULL, NULL);
    size_t end = lexer_skip_dollar(&parser, quoted) ? source.position : length;
    *is_arithmetic = parser.was_arithmetic;
    region_free(&scratch);
    return end;
}

// $'...': backslash escapes are interpreted once, here.
static void expand_escaped(struct expansion *expansion, const char *inside, size_t length) {
    struct buffer out;
    buffer_init(&out);
    escape_decode(&out, inside, length, ESCAPE_DOLLAR);
    if (out.length == 0)
        expansion_emit(expansion, "", 1, MARK_EMPTY | MARK_QUOTED);
    expansion_emit(expansion, out.data, strlen(out.data), MARK_QUOTED);
    buffer_free(&out);
}

bool expand_dollar(struct expansion *expansion, const char *text, size_t length, size_t *offset, bool quoted) {
    struct shell *shell = expansion->shell;
    const char *start = text + *offset;
    size_t left = length - *offset;
    char next = left > 1 ? start[1] : 0;
    if (next == '(' || next == '{' || (next == '\'' && !quoted)) {
        bool is_arithmetic;
        size_t size = dollar_length(start, left, quoted, &is_arithmetic);
        *offset += size;
        if (next == '\'') {
            expand_escaped(expansion, start + 2, size - 3);
            return true;
        }
        if (next == '{')
            return expand_braces(expansion, region_copy(&shell->temporary, start + 2, size - 3), quoted);
        if (is_arithmetic)
            return expand_arithmetic(expansion, region_copy(&shell->temporary, start + 3, size - 5), quoted);
        return substitute(shell, start + 2, size - 3, expansion, quoted);
    }
    size_t size = next ? parameter_name_length(start + 1) : 0;
    if (size > 1 && isdigit((unsigned char)next))
        size = 1; // $10 is ${1}0
    if (size > left - 1)
        size = left - 1;
    if (!size) {
        expansion_emit(expansion, "$", 1, quoted ? MARK_QUOTED : 0);
        (*offset)++;
        return true;
    }
    struct parameter parameter = parameter_make(shell, start + 1, size);
    *offset += size + 1;
    return emit_parameter(expansion, &parameter, quoted);
}
