// Arithmetic expansion (XCU 2.6.4): C's integer expressions over shell variables, in 64-bit two's complement
// that wraps. Recursive descent by precedence; what is not evaluated (behind && || ?:) is still parsed,
// without side effects.
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/sh/expand.h"
#include "programs/sh/parser.h"
#include "programs/sh/variables.h"

struct calculator {
    struct shell *shell;
    const char *text;
    const char *rest;
    int skip; // > 0: parse without evaluating
    int depth;
    bool failed;
};

static int64_t parse_expression(struct calculator *calculator);
static int64_t parse_unary(struct calculator *calculator);
static int64_t parse_choice(struct calculator *calculator);

static int64_t fail(struct calculator *calculator, const char *reason) {
    if (!calculator->failed)
        shell_error(NULL, "arithmetic: %s: \"%s\"", reason, calculator->text);
    calculator->failed = true;
    return 0;
}

static void skip_blanks(struct calculator *calculator) {
    while (isspace((unsigned char)*calculator->rest))
        calculator->rest++;
}

// Takes the operator if it comes next and is not the beginning of a longer one.
static bool take(struct calculator *calculator, const char *symbol, const char *not_followed_by) {
    skip_blanks(calculator);
    size_t length = strlen(symbol);
    if (strncmp(calculator->rest, symbol, length) != 0)
        return false;
    char next = calculator->rest[length];
    if (next && strchr(not_followed_by, next))
        return false;
    calculator->rest += length;
    return true;
}

static int64_t number_read(struct calculator *calculator, const char *text, const char **end) {
    char *stop;
    errno = 0;
    unsigned long long value = strtoull(text, &stop, 0);
    if (errno == ERANGE)
        return fail(calculator, "number too large");
    *end = stop;
    return (int64_t)value;
}

static int64_t variable_value(struct calculator *calculator, const char *name) {
    const char *value = variable_get(calculator->shell, name);
    if (!value && calculator->shell->nounset && !calculator->skip)
        return fail(calculator, "variable not set");
    if (!value || !*value)
        return 0;
    const char *text = value + strspn(value, " \t\n");
    bool negative = *text == '-';
    text += negative || *text == '+';
    if (isdigit((unsigned char)*text)) {
        const char *end;
        int64_t number = number_read(calculator, text, &end);
        if (end[strspn(end, " \t\n")] == 0)
            return negative ? (int64_t)(0 - (uint64_t)number) : number;
    }
    // The value may be an expression itself, as in x=y+1.
    struct calculator inner = {calculator->shell, value, value, calculator->skip, calculator->depth + 1, false};
    if (inner.depth > 50)
        return fail(calculator, "nested too deeply");
    int64_t result = parse_expression(&inner);
    skip_blanks(&inner);
    if (!inner.failed && *inner.rest)
        fail(&inner, "syntax error");
    calculator->failed |= inner.failed;
    return result;
}

static int64_t variable_assign(struct calculator *calculator, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    if (!calculator->skip && !calculator->failed && !variable_set(calculator->shell, name, text))
        calculator->failed = true;
    return value;
}

static int64_t divide(struct calculator *calculator, int64_t left, int64_t right, bool remainder) {
    if (calculator->skip)
        return 0;
    if (right == 0)
        return fail(calculator, "division by zero");
    if (right == -1)
        return remainder ? 0 : (int64_t)(0 - (uint64_t)left);
    return remainder ? left % right : left / right;
}

static int64_t apply(struct calculator *calculator, char symbol, int64_t left, int64_t right) {
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    switch (symbol) {
    case '*':
        return (int64_t)(a * b);
    case '/':
    case '%':
        return divide(calculator, left, right, symbol == '%');
    case '+':
        return (int64_t)(a + b);
    case '-':
        return (int64_t)(a - b);
    case 'l': // <<
        return (int64_t)(a << (b & 63));
    case 'r': // >>
        return left < 0 ? (int64_t) ~(~a >> (b & 63)) : (int64_t)(a >> (b & 63));
    case '&':
        return (int64_t)(a & b);
    case '^':
        return (int64_t)(a ^ b);
    default: // |
        return (int64_t)(a | b);
    }
}

static int64_t parse_name(struct calculator *calculator) {
    size_t length = name_length(calculator->rest);
    char *name = region_copy(&calculator->shell->temporary, calculator->rest, length);
    calculator->rest += length;
    static const struct {
        const char *text;
        char symbol;
    } assignments[] = {{"*=", '*'}, {"/=", '/'}, {"%=", '%'}, {"+=", '+'},  {"-=", '-'},
                       {"&=", '&'}, {"^=", '^'}, {"|=", '|'}, {"<<=", 'l'}, {">>=", 'r'}};
    if (take(calculator, "=", "="))
        return variable_assign(calculator, name, parse_choice(calculator));
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++) {
        if (take(calculator, assignments[i].text, "")) {
            int64_t left = variable_value(calculator, name);
            int64_t right = parse_choice(calculator);
            return variable_assign(calculator, name, apply(calculator, assignments[i].symbol, left, right));
        }
    }
    int64_t value = variable_value(calculator, name);
    if (take(calculator, "++", ""))
        variable_assign(calculator, name, apply(calculator, '+', value, 1));
    else if (take(calculator, "--", ""))
        variable_assign(calculator, name, apply(calculator, '-', value, 1));
    return value;
}

static int64_t parse_step(struct calculator *calculator, char symbol) {
    skip_blanks(calculator);
    size_t length = name_length(calculator->rest);
    if (!length) { // --5 is -(-5)
        int64_t value = parse_unary(calculator);
        return value;
    }
    char *name = region_copy(&calculator->shell->temporary, calculator->rest, length);
    calculator->rest += length;
    return variable_assign(calculator, name, apply(calculator, symbol, variable_value(calculator, name), 1));
}

static int64_t parse_unary(struct calculator *calculator) {
    if (calculator->failed || ++calculator->depth > 200)
        return fail(calculator, "nested too deeply");
    int64_t value;
    if (take(calculator, "++", "")) {
        value = parse_step(calculator, '+');
    } else if (take(calculator, "--", "")) {
        value = parse_step(calculator, '-');
    } else if (take(calculator, "+", "")) {
        value = parse_unary(calculator);
    } else if (take(calculator, "-", "")) {
        value = (int64_t)(0 - (uint64_t)parse_unary(calculator));
    } else if (take(calculator, "~", "")) {
        value = ~parse_unary(calculator);
    } else if (take(calculator, "!", "=")) {
        value = !parse_unary(calculator);
    } else if (take(calculator, "(", "")) {
        value = parse_expression(calculator);
        if (!take(calculator, ")", ""))
            value = fail(calculator, "\")\" missing");
    } else if (isdigit((unsigned char)*calculator->rest)) {
        value = number_read(calculator, calculator->rest, &calculator->rest);
        if (name_length(calculator->rest))
            value = fail(calculator, "not a number");
    } else if (name_length(calculator->rest)) {
        value = parse_name(calculator);
    } else {
        value = fail(calculator, "syntax error");
    }
    calculator->depth--;
    return value;
}

// Binary operators without short circuit, weakest first.
struct level {
    struct {
        const char *text;
        const char *not_followed_by;
        char symbol;
    } operators[5];
};

static const struct level levels[] = {
    {{{"|", "|=", '|'}}},
    {{{"^", "=", '^'}}},
    {{{"&", "&=", '&'}}},
    {{{"==", "", 'e'}, {"!=", "", 'n'}}},
    {{{"<=", "", 'L'}, {">=", "", 'G'}, {"<", "<", '<'}, {">", ">", '>'}}},
    {{{"<<", "=", 'l'}, {">>", "=", 'r'}}},
    {{{"+", "+=", '+'}, {"-", "-=", '-'}}},
    {{{"*", "=", '*'}, {"/", "=", '/'}, {"%", "=", '%'}}},
};
#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

static int64_t compare(struct calculator *calculator, char symbol, int64_t left, int64_t right) {
    switch (symbol) {
    case 'e':
        return left == right;
    case 'n':
        return left != right;
    case 'L':
        return left <= right;
    case 'G':
        return left >= right;
    case '<':
        return left < right;
    case '>':
        return left > right;
    default:
        return apply(calculator, symbol, left, right);
    }
}

static int64_t parse_binary(struct calculator *calculator, size_t level) {
    if (level == LEVEL_COUNT)
        return parse_unary(calculator);
    int64_t left = parse_binary(calculator, level + 1);
    for (;;) {
        size_t i = 0;
        while (i < 5 && levels[level].operators[i].text &&
               !take(calculator, levels[level].operators[i].text, levels[level].operators[i].not_followed_by))
            i++;
        if (i == 5 || !levels[level].operators[i].text || calculator->failed)
            return left;
        int64_t right = parse_binary(calculator, level + 1);
        left = compare(calculator, levels[level].operators[i].symbol, left, right);
    }
}

static int64_t parse_and(struct calculator *calculator) {
    int64_t left = parse_binary(calculator, 0);
    while (!calculator->failed && take(calculator, "&&", "")) {
        calculator->skip += !left;
        int64_t right = parse_binary(calculator, 0);
        calculator->skip -= !left;
        left = left && right;
    }
    return left;
}

static int64_t parse_or(struct calculator *calculator) {
    int64_t left = parse_and(calculator);
    while (!calculator->failed && take(calculator, "||", "")) {
        calculator->skip += left != 0;
        int64_t right = parse_and(calculator);
        calculator->skip -= left != 0;
        left = left || right;
    }
    return left;
}

static int64_t parse_choice(struct calculator *calculator) {
    int64_t condition = parse_or(calculator);
    if (calculator->failed || !take(calculator, "?", ""))
        return condition;
    calculator->skip += !condition;
    int64_t first = parse_expression(calculator);
    calculator->skip -= !condition;
    if (!take(calculator, ":", ""))
        return fail(calculator, "\":\" missing");
    calculator->skip += condition != 0;
    int64_t second = parse_choice(calculator);
    calculator->skip -= condition != 0;
    return condition ? first : second;
}

static int64_t parse_expression(struct calculator *calculator) {
    if (calculator->failed || ++calculator->depth > 200)
        return fail(calculator, "nested too deeply");
    int64_t value = parse_choice(calculator);
    while (!calculator->failed && take(calculator, ",", ""))
        value = parse_choice(calculator);
    calculator->depth--;
    return value;
}

bool arithmetic_evaluate(struct shell *shell, const char *text, long long *value) {
    struct calculator calculator = {.shell = shell, .text = text, .rest = text};
    *value = 0;
    skip_blanks(&calculator);
    if (!*calculator.rest)
        return true; // $(( )) is 0
    *value = parse_expression(&calculator);
    skip_blanks(&calculator);
    if (!calculator.failed && *calculator.rest)
        fail(&calculator, "syntax error");
    return !calculator.failed;
}
