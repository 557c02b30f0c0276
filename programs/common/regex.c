// Regular expressions: compiled to a program for a set of threads that go through the text side by side
// (Thompson 1968, Pike). Jumps are relative, so that a piece of program can be copied for {2,5}.
#include "programs/common/regex.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"
#include "programs/common/utf8.h"

enum operation {
    OP_CHARACTER, // code
    OP_ANY,
    OP_SET,   // set
    OP_SPLIT, // goes on at +x and +y
    OP_JUMP,  // goes on at +x
    OP_LINE_START,
    OP_LINE_END,
    OP_WORD_START,
    OP_WORD_END,
    OP_WORD_EDGE,
    OP_MATCH,
};

struct instruction {
    enum operation operation;
    int x, y;
    uint32_t code;
    const char *set; // from behind "[" in the pattern
};

struct regex {
    struct instruction *program;
    int length;
    int capacity;
    unsigned flags;
    char **patterns; // copies, which sets point into
    size_t pattern_count;
};

struct compiler {
    struct regex *regex;
    const char *rest;
    const char *error;
    int depth;
    bool at_start; // where a basic expression's * and ^ are special or not
};

#define REPEAT_MAX  255
#define PROGRAM_MAX 20000

static void parse_alternatives(struct compiler *compiler);

static int emit(struct compiler *compiler, struct instruction instruction) {
    struct regex *regex = compiler->regex;
    if (regex->length >= PROGRAM_MAX) {
        compiler->error = "expression too large";
        return 0;
    }
    if (regex->length == regex->capacity) {
        regex->capacity = regex->capacity ? regex->capacity * 2 : 64;
        regex->program = memory_resize(regex->program, (size_t)regex->capacity * sizeof(struct instruction));
    }
    regex->program[regex->length] = instruction;
    return regex->length++;
}

// Makes room for one instruction at `at`. Jumps inside of what moves stay right, since they are relative.
static void insert(struct compiler *compiler, int at, struct instruction instruction) {
    emit(compiler, instruction);
    if (compiler->error)
        return;
    struct instruction *program = compiler->regex->program;
    memmove(program + at + 1, program + at, (size_t)(compiler->regex->length - at - 1) * sizeof(*program));
    program[at] = instruction;
}

static void copy(struct compiler *compiler, int start, int length) {
    for (int i = 0; i < length && !compiler->error; i++)
        emit(compiler, compiler->regex->program[start + i]);
}

static bool is_extended(const struct compiler *compiler) {
    return compiler->regex->flags & REGEX_EXTENDED;
}

// Takes an operator that is written plainly in extended and with a backslash in basic expressions.
static bool take(struct compiler *compiler, char sign) {
    const char *rest = compiler->rest;
    if (is_extended(compiler) ? *rest == sign : rest[0] == '\\' && rest[1] == sign) {
        compiler->rest += is_extended(compiler) ? 1 : 2;
        return true;
    }
    return false;
}

static bool sees(struct compiler *compiler, char sign) {
    const char *before = compiler->rest;
    bool there = take(compiler, sign);
    compiler->rest = before;
    return there;
}

// The end of a set, from behind its "[": behind the closing "]", or null.
static const char *set_end(const char *set) {
    if (*set == '^')
        set++;
    if (*set == ']')
        set++;
    while (*set && *set != ']') {
        const char *end = NULL;
        if (*set == '[' && (set[1] == ':' || set[1] == '.' || set[1] == '=')) {
            char close[3] = {set[1], ']', 0};
            end = strstr(set + 2, close);
        }
        set = end ? end + 2 : set + 1;
    }
    return *set ? set + 1 : NULL;
}

static bool set_has_class(const char *name, uint32_t code) {
    static const struct {
        const char *name;
        int (*test)(int);
    } classes[] = {{"alnum:]", isalnum}, {"alpha:]", isalpha}, {"blank:]", isblank}, {"cntrl:]", iscntrl},
                   {"digit:]", isdigit}, {"graph:]", isgraph}, {"lower:]", islower}, {"print:]", isprint},
                   {"punct:]", ispunct}, {"space:]", isspace}, {"upper:]", isupper}, {"xdigit:]", isxdigit}};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strncmp(name, classes[i].name, strlen(classes[i].name)) == 0)
            return code < 128 && classes[i].test((int)code);
    }
    return false;
}

static bool set_contains_exactly(const char *set, uint32_t code) {
    bool negated = *set == '^';
    bool found = false;
    set += negated;
    for (bool first = true; *set != ']' || first; first = false) {
        if (set[0] == '[' && set[1] == ':') {
            found |= set_has_class(set + 2, code);
            set = strstr(set + 2, ":]") + 2;
            continue;
        }
        uint32_t low, high;
        set += utf8_decode(set, strlen(set), &low);
        high = low;
        if (set[0] == '-' && set[1] != ']')
            set += 1 + utf8_decode(set + 1, strlen(set + 1), &high);
        found |= low <= code && code <= high;
    }
    return found != negated;
}

static bool set_contains(const char *set, uint32_t code, bool ignore_case) {
    if (!ignore_case || code >= 128)
        return set_contains_exactly(set, code);
    uint32_t lower = (uint32_t)tolower((int)code), upper = (uint32_t)toupper((int)code);
    // With a negated set, both forms must be outside.
    if (*set == '^')
        return set_contains_exactly(set, lower) && set_contains_exactly(set, upper);
    return set_contains_exactly(set, lower) || set_contains_exactly(set, upper);
}

static void parse_escape(struct compiler *compiler) {
    char c = compiler->rest[1];
    struct instruction instruction = {.operation = OP_CHARACTER, .code = (unsigned char)c};
    size_t size = 2;
    if (!c) {
        compiler->error = "backslash at the end";
        return;
    }
    if (c == '<')
        instruction.operation = OP_WORD_START;
    else if (c == '>')
        instruction.operation = OP_WORD_END;
    else if (c == 'b')
        instruction.operation = OP_WORD_EDGE;
    else if (c >= '1' && c <= '9')
        compiler->error = "back-references are not supported";
    else if (c == 'w' || c == 'W')
        instruction = (struct instruction){.operation = OP_SET, .set = c == 'w' ? "[:alnum:]_]" : "^[:alnum:]_]"};
    else if (c == 's' || c == 'S')
        instruction = (struct instruction){.operation = OP_SET, .set = c == 's' ? "[:space:]]" : "^[:space:]]"};
    else
        size = 1 + utf8_decode(compiler->rest + 1, strlen(compiler->rest + 1), &instruction.code);
    compiler->rest += size;
    emit(compiler, instruction);
}

static void parse_set(struct compiler *compiler) {
    const char *end = set_end(compiler->rest + 1);
    if (!end) {
        compiler->error = "[ is not closed";
        return;
    }
    emit(compiler, (struct instruction){.operation = OP_SET, .set = compiler->rest + 1});
    compiler->rest = end;
}

static void parse_group(struct compiler *compiler) {
    if (++compiler->depth > 100) {
        compiler->error = "nested too deeply";
        return;
    }
    compiler->at_start = true;
    parse_alternatives(compiler);
    compiler->depth--;
    if (!compiler->error && !take(compiler, ')'))
        compiler->error = "( is not closed";
}

// One atom; false if the expression ends here.
static bool parse_atom(struct compiler *compiler) {
    char c = *compiler->rest;
    bool start = compiler->at_start;
    compiler->at_start = false;
    if (!c || sees(compiler, '|') || (compiler->depth && sees(compiler, ')')))
        return false;
    if (compiler->regex->flags & REGEX_FIXED) {
        struct instruction instruction = {.operation = OP_CHARACTER};
        compiler->rest += utf8_decode(compiler->rest, strlen(compiler->rest), &instruction.code);
        emit(compiler, instruction);
    } else if (take(compiler, '(')) {
        parse_group(compiler);
    } else if (c == '\\') {
        parse_escape(compiler);
    } else if (c == '[') {
        parse_set(compiler);
    } else if (c == '.') {
        compiler->rest++;
        emit(compiler, (struct instruction){.operation = OP_ANY});
    } else if (c == '^' && (is_extended(compiler) || start)) {
        compiler->rest++;
        emit(compiler, (struct instruction){.operation = OP_LINE_START});
        compiler->at_start = true; // a basic * behind it is a character
    } else if (c == '$' && (is_extended(compiler) || !compiler->rest[1] || strncmp(compiler->rest + 1, "\\)", 2) == 0 ||
                            strncmp(compiler->rest + 1, "\\|", 2) == 0)) {
        compiler->rest++;
        emit(compiler, (struct instruction){.operation = OP_LINE_END});
    } else {
        if (c == '*' && is_extended(compiler) && start) {
            compiler->rest++; // nothing to repeat: as other tools do, it matches nothing
            return true;
        }
        struct instruction instruction = {.operation = OP_CHARACTER};
        compiler->rest += utf8_decode(compiler->rest, strlen(compiler->rest), &instruction.code);
        emit(compiler, instruction);
    }
    return !compiler->error;
}

static int parse_count(struct compiler *compiler, int fallback) {
    if (!isdigit((unsigned char)*compiler->rest))
        return fallback;
    int count = 0;
    while (isdigit((unsigned char)*compiler->rest) && count <= REPEAT_MAX)
        count = count * 10 + (*compiler->rest++ - '0');
    return count;
}

// Turns the atom at [start, end) into min to max copies of itself; max -1 is without end.
static void repeat(struct compiler *compiler, int start, int min, int max) {
    int length = compiler->regex->length - start;
    if (max == 0) {
        compiler->regex->length = start;
        return;
    }
    for (int i = 1; i < min; i++)
        copy(compiler, start, length);
    if (max < 0 && min > 0) { // the last copy again and again
        emit(compiler, (struct instruction){.operation = OP_SPLIT, .x = -length, .y = 1});
        return;
    }
    if (min == 0) {
        insert(compiler, start, (struct instruction){.operation = OP_SPLIT, .x = 1, .y = length + 1 + (max < 0)});
        if (max < 0) {
            emit(compiler, (struct instruction){.operation = OP_JUMP, .x = -length - 1});
            return;
        }
    }
    int original = min == 0 ? start + 1 : start;
    for (int i = min ? min : 1; i < max && !compiler->error; i++) {
        emit(compiler, (struct instruction){.operation = OP_SPLIT, .x = 1, .y = length + 1});
        copy(compiler, original, length);
    }
}

static bool parse_repeat(struct compiler *compiler, int start) {
    if (compiler->regex->flags & REGEX_FIXED)
        return false;
    if (*compiler->rest == '*' && !compiler->at_start) {
        compiler->rest++;
        repeat(compiler, start, 0, -1);
    } else if (take(compiler, '+')) {
        repeat(compiler, start, 1, -1);
    } else if (take(compiler, '?')) {
        repeat(compiler, start, 0, 1);
    } else if (take(compiler, '{')) {
        int min = parse_count(compiler, 0);
        int max = min;
        if (*compiler->rest == ',') {
            compiler->rest++;
            max = parse_count(compiler, -1);
        }
        if (!take(compiler, '}') || min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && max < min))
            compiler->error = "wrong repetition count";
        else
            repeat(compiler, start, min, max);
    } else {
        return false;
    }
    return !compiler->error;
}

static void parse_alternatives(struct compiler *compiler) {
    int start = compiler->regex->length;
    for (;;) {
        int atom = compiler->regex->length;
        if (parse_atom(compiler)) {
            while (parse_repeat(compiler, atom))
                continue;
        }
        if (compiler->error)
            return;
        if (!(compiler->regex->flags & REGEX_FIXED) && take(compiler, '|')) {
            // split -> left, jump over right; the length of right is known only at the end of the recursion
            int length = compiler->regex->length - start;
            insert(compiler, start, (struct instruction){.operation = OP_SPLIT, .x = 1, .y = length + 2});
            int jump = emit(compiler, (struct instruction){.operation = OP_JUMP});
            compiler->at_start = true;
            parse_alternatives(compiler);
            if (!compiler->error)
                compiler->regex->program[jump].x = compiler->regex->length - jump;
            return;
        }
        if (!*compiler->rest || (compiler->depth && sees(compiler, ')')))
            return;
    }
}

static void compile_pattern(struct compiler *compiler, const char *pattern) {
    unsigned whole = compiler->regex->flags & REGEX_WHOLE_LINE;
    compiler->rest = pattern;
    compiler->at_start = true;
    if (whole)
        emit(compiler, (struct instruction){.operation = OP_LINE_START});
    parse_alternatives(compiler);
    if (!compiler->error && *compiler->rest)
        compiler->error = ") is not opened";
    if (whole)
        emit(compiler, (struct instruction){.operation = OP_LINE_END});
    emit(compiler, (struct instruction){.operation = OP_MATCH});
}

struct regex *regex_compile(const char *const *patterns, size_t count, unsigned flags, const char **error) {
    struct regex *regex = memory_allocate(sizeof(*regex));
    *regex = (struct regex){.flags = flags};
    regex->patterns = memory_allocate(count * sizeof(char *));
    struct compiler compiler = {.regex = regex};
    for (size_t i = 0; i < count && !compiler.error; i++) {
        regex->patterns[regex->pattern_count++] = string_copy(patterns[i]);
        int split = -1;
        if (i + 1 < count)
            split = emit(&compiler, (struct instruction){.operation = OP_SPLIT, .x = 1});
        compile_pattern(&compiler, regex->patterns[i]);
        if (split >= 0 && !compiler.error)
            regex->program[split].y = regex->length - split;
    }
    *error = compiler.error;
    if (!compiler.error)
        return regex;
    regex_free(regex);
    return NULL;
}

void regex_free(struct regex *regex) {
    for (size_t i = 0; i < regex->pattern_count; i++)
        free(regex->patterns[i]);
    free(regex->patterns);
    free(regex->program);
    free(regex);
}

// The threads at one place of the text, each instruction at most once.
struct threads {
    int *at;
    int count;
};

struct machine {
    const struct regex *regex;
    const char *text;
    size_t length;
    struct threads now, next;
    uint32_t *stamp; // of each instruction: the step in which it was added last
    uint32_t step;
    int *stack;
    bool matched; // an OP_MATCH was reached in the threads being added
};

static bool is_word(const struct machine *machine, size_t at) {
    unsigned char c = at < machine->length ? (unsigned char)machine->text[at] : 0;
    return isalnum(c) || c == '_' || c >= 128;
}

static bool condition_holds(const struct machine *machine, enum operation operation, size_t at) {
    bool before = at > 0 && is_word(machine, at - 1);
    bool after = is_word(machine, at);
    switch (operation) {
    case OP_LINE_START:
        return at == 0;
    case OP_LINE_END:
        return at == machine->length;
    case OP_WORD_START:
        return !before && after;
    case OP_WORD_END:
        return before && !after;
    default:
        return before != after;
    }
}

// Adds a thread and all that it reaches without taking a character.
static void thread_add(struct machine *machine, struct threads *threads, int start, size_t at) {
    int depth = 0;
    machine->stack[depth++] = start;
    while (depth) {
        int index = machine->stack[--depth];
        if (machine->stamp[index] == machine->step)
            continue;
        machine->stamp[index] = machine->step;
        const struct instruction *instruction = &machine->regex->program[index];
        switch (instruction->operation) {
        case OP_JUMP:
            machine->stack[depth++] = index + instruction->x;
            break;
        case OP_SPLIT:
            machine->stack[depth++] = index + instruction->y;
            machine->stack[depth++] = index + instruction->x;
            break;
        case OP_MATCH:
            machine->matched = true;
            break;
        case OP_CHARACTER:
        case OP_ANY:
        case OP_SET:
            threads->at[threads->count++] = index;
            break;
        default:
            if (condition_holds(machine, instruction->operation, at))
                machine->stack[depth++] = index + 1;
        }
    }
}

static bool accepts(const struct regex *regex, const struct instruction *instruction, uint32_t code) {
    bool ignore_case = regex->flags & REGEX_IGNORE_CASE;
    if (instruction->operation == OP_ANY)
        return true;
    if (instruction->operation == OP_SET)
        return set_contains(instruction->set, code, ignore_case);
    if (ignore_case && code < 128 && instruction->code < 128)
        return tolower((int)code) == tolower((int)instruction->code);
    return code == instruction->code;
}

// Runs from `from`. With `anywhere` a match may begin later and the first one found ends the run; otherwise
// the longest one that begins at `from` is looked for.
static bool run(struct machine *machine, size_t from, bool anywhere, size_t *end) {
    bool found = false;
    machine->now.count = 0;
    machine->step++;
    machine->matched = false;
    thread_add(machine, &machine->now, 0, from);
    for (size_t at = from;;) {
        if (machine->matched) {
            found = true;
            *end = at;
            if (anywhere)
                return true;
        }
        if (at >= machine->length || (!machine->now.count && !anywhere))
            return found;
        uint32_t code;
        size_t size = utf8_decode(machine->text + at, machine->length - at, &code);
        at += size;
        machine->step++;
        machine->matched = false;
        machine->next.count = 0;
        for (int i = 0; i < machine->now.count; i++) {
            int index = machine->now.at[i];
            if (accepts(machine->regex, &machine->regex->program[index], code))
                thread_add(machine, &machine->next, index + 1, at);
        }
        if (anywhere)
            thread_add(machine, &machine->next, 0, at);
        struct threads swap = machine->now;
        machine->now = machine->next;
        machine->next = swap;
    }
}

static void machine_init(struct machine *machine, const struct regex *regex, const char *text, size_t length) {
    size_t count = (size_t)regex->length;
    *machine = (struct machine){.regex = regex, .text = text, .length = length};
    machine->now.at = memory_allocate(count * sizeof(int));
    machine->next.at = memory_allocate(count * sizeof(int));
    machine->stack = memory_allocate((2 * count + 2) * sizeof(int));
    machine->stamp = memory_allocate(count * sizeof(uint32_t));
    memset(machine->stamp, 0, count * sizeof(uint32_t));
}

static void machine_free(struct machine *machine) {
    free(machine->now.at);
    free(machine->next.at);
    free(machine->stack);
    free(machine->stamp);
}

bool regex_matches(const struct regex *regex, const char *text, size_t length) {
    struct machine machine;
    size_t end;
    machine_init(&machine, regex, text, length);
    bool found = run(&machine, 0, true, &end);
    machine_free(&machine);
    return found;
}

bool regex_search(const struct regex *regex, const char *text, size_t length, size_t from, size_t *start, size_t *end) {
    struct machine machine;
    machine_init(&machine, regex, text, length);
    bool found = false;
    for (size_t at = from; !found && at <= length; at = at < length ? utf8_next(text, length, at) : at + 1) {
        found = run(&machine, at, false, end);
        *start = at;
    }
    machine_free(&machine);
    return found;
}
