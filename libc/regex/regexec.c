// regexec: runs all branches of the program side by side over the text, one character at a time. Of all
// matches the leftmost is taken, and of these the longest (POSIX XBD 9.1). Where two branches come to the
// same instruction with the same start, the one whose subexpressions began earlier and reached further, the
// first one counting most, goes on; this is POSIX's rule for subexpressions.
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "libc/internal/regex.h"

// A thread is an instruction and the offsets of the subexpressions so far; every instruction has one at most.
struct threads {
    uint32_t *order;   // instructions that have a thread, in order of coming
    uint32_t *places;  // where in order; valid if order says the same
    regoff_t *offsets; // `slots` for each instruction
    uint32_t count;
};

struct regex_scratch {
    struct threads lists[2];
    uint32_t *stack; // of the walk over instructions that take no character
    regoff_t *saved; // offsets for each stack entry
    regoff_t *best;
    size_t slots; // for which it was made
    void *memory;
};

struct run {
    const struct __regex *program;
    struct regex_scratch *scratch;
    const char *start, *at, *end; // at: where the threads stand
    size_t slots;                 // offsets that are kept: 0 if only the answer matters
    int flags;
    wint_t before, after; // the characters around `at`; WEOF at the ends
    bool found;
};

void regex_scratch_free(struct regex_scratch *scratch) {
    if (scratch != NULL)
        free(scratch->memory);
    free(scratch);
}

static struct regex_scratch *scratch_get(struct __regex *program, size_t slots) {
    struct regex_scratch *scratch = program->scratch;
    if (scratch != NULL && scratch->slots >= slots)
        return scratch;
    size_t size = program->size, depth = 2 * size + 2;
    size_t offsets = (2 * size + depth + 1) * slots + 1;
    size_t bytes = offsets * sizeof(regoff_t) + (4 * size + depth) * sizeof(uint32_t);
    struct regex_scratch *made = malloc(sizeof *made);
    char *memory = calloc(1, bytes); // places must hold something, though not something right
    if (made == NULL || memory == NULL) {
        free(made);
        free(memory);
        return NULL;
    }
    made->memory = memory;
    made->slots = slots;
    regoff_t *numbers = (regoff_t *)(void *)memory;
    uint32_t *words = (uint32_t *)(void *)(numbers + offsets);
    for (int i = 0; i < 2; i++) {
        made->lists[i] = (struct threads){words, words + size, numbers, 0};
        words += 2 * size;
        numbers += size * slots;
    }
    made->stack = words;
    made->saved = numbers;
    made->best = numbers + depth * slots;
    regex_scratch_free(scratch);
    program->scratch = made;
    return made;
}

static bool is_word(wint_t c) {
    return c != WEOF && (c == '_' || iswalnum(c));
}

static bool holds(const struct run *run, enum regex_assertion assertion) {
    bool newline = (run->program->flags & REG_NEWLINE) != 0;
    bool word_before = is_word(run->before), word_after = is_word(run->after);
    switch (assertion) {
    case ASSERT_LINE_START:
        return run->at == run->start ? (run->flags & REG_NOTBOL) == 0 : newline && run->before == '\n';
    case ASSERT_LINE_END:
        return run->at == run->end ? (run->flags & REG_NOTEOL) == 0 : newline && run->after == '\n';
    case ASSERT_WORD_START:
        return !word_before && word_after;
    case ASSERT_WORD_END:
        return word_before && !word_after;
    case ASSERT_WORD_EDGE:
        return word_before != word_after;
    default:
        return word_before == word_after;
    }
}

// Does `a` describe the better match? Both start where slot 0 says.
static bool is_better(const regoff_t *a, const regoff_t *b, size_t slots) {
    if (a[0] != b[0])
        return a[0] < b[0];
    for (size_t i = 2; i + 1 < slots; i += 2) {
        if (a[i] != b[i])
            return b[i] < 0 || (a[i] >= 0 && a[i] < b[i]);
        if (a[i + 1] != b[i + 1])
            return a[i + 1] > b[i + 1];
    }
    return false;
}

static bool thread_exists(const struct threads *list, uint32_t at) {
    return list->places[at] < list->count && list->order[list->places[at]] == at;
}

// Gives the instruction a thread with these offsets, unless it has one that is as good.
static bool thread_put(const struct run *run, struct threads *list, uint32_t at, const regoff_t *offsets) {
    size_t slots = run->slots;
    regoff_t *own = list->offsets + at * slots;
    if (thread_exists(list, at)) {
        if (slots == 0 || !is_better(offsets, own, slots))
            return false;
    } else {
        list->places[at] = list->count;
        list->order[list->count++] = at;
    }
    memcpy(own, offsets, slots * sizeof *own);
    return true;
}

static void push(const struct run *run, size_t *used, uint32_t at, const regoff_t *offsets) {
    memmove(run->scratch->saved + *used * run->slots, offsets, run->slots * sizeof *offsets);
    run->scratch->stack[(*used)++] = at;
}

static void set_offsets(const struct run *run, const struct regex_instruction *instruction, regoff_t *offsets) {
    size_t slot = 2 * (size_t)instruction->a;
    regoff_t here = run->at - run->start;
    if (instruction->operation == OP_CLOSE) {
        if (slot + 1 < run->slots)
            offsets[slot + 1] = here;
        return;
    }
    // A new pass through a group forgets what the groups inside it matched before.
    for (size_t inner = slot; inner <= 2 * (size_t)instruction->b && inner + 1 < run->slots; inner += 2)
        offsets[inner] = offsets[inner + 1] = -1;
    if (slot + 1 < run->slots)
        offsets[slot] = here;
}

// Follows everything that takes no character from `at` on. The stack can't overflow: an instruction pushes
// two at most, and its own entry was popped before; a better thread that comes again finds the room that the
// first one left.
static void threads_add(const struct run *run, struct threads *list, uint32_t from, const regoff_t *offsets) {
    size_t used = 0, depth = 2 * run->program->size + 2;
    push(run, &used, from, offsets);
    while (used > 0) {
        uint32_t at = run->scratch->stack[--used];
        regoff_t *now = run->scratch->saved + used * run->slots;
        const struct regex_instruction *instruction = &run->program->code[at];
        if (!thread_put(run, list, at, now) || used + 2 > depth)
            continue;
        switch (instruction->operation) {
        case OP_JUMP:
            push(run, &used, instruction->a, now);
            break;
        case OP_SPLIT:
            push(run, &used, instruction->b, now);
            push(run, &used, instruction->a, list->offsets + at * run->slots);
            break;
        case OP_ASSERT:
            if (holds(run, instruction->a))
                push(run, &used, at + 1, now);
            break;
        case OP_OPEN:
        case OP_CLOSE:
            set_offsets(run, instruction, now);
            push(run, &used, at + 1, now);
            break;
        default:
            break;
        }
    }
}

static bool takes(const struct run *run, const struct regex_instruction *instruction, wint_t c, wint_t folded) {
    switch (instruction->operation) {
    case OP_CHARACTER:
        return instruction->a == folded;
    case OP_ANY:
        return c != '\n' || (run->program->flags & REG_NEWLINE) == 0;
    case OP_SET:
        return regex_set_has(&run->program->sets[instruction->a], c);
    default:
        return false;
    }
}

// Notes a match that ends here, if it is the best so far.
static void match_note(struct run *run, const regoff_t *offsets) {
    regoff_t *best = run->scratch->best, here = run->at - run->start;
    if (run->slots > 0) {
        bool better = !run->found || offsets[0] < best[0] || (offsets[0] == best[0] && here > best[1]);
        if (better) {
            memcpy(best, offsets, run->slots * sizeof *best);
            best[1] = here;
        }
    }
    run->found = true;
}

// Moves the threads over the character c, which ends at `next`.
static void threads_step(struct run *run, const struct threads *from, struct threads *to, wint_t c) {
    wint_t folded = (run->program->flags & REG_ICASE) != 0 ? towlower(c) : c;
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t at = from->order[i];
        const regoff_t *offsets = from->offsets + at * run->slots;
        if (run->found && offsets[0] > run->scratch->best[0])
            continue; // it began later than a match
        if (takes(run, &run->program->code[at], c, folded))
            threads_add(run, to, at + 1, offsets);
    }
}

static bool can_begin(const struct __regex *program, const char *at) {
    unsigned char byte = (unsigned char)*at;
    return (program->first_bytes[byte / 64] >> (byte % 64)) & 1;
}

// Where the next match can begin, if there are no threads.
static void skip_ahead(struct run *run) {
    if (run->program->matches_empty)
        return;
    const char *from = run->at;
    while (run->at < run->end && !can_begin(run->program, run->at))
        run->at++;
    if (run->at == from)
        return;
    // The character before is needed for assertions; going back over continuation bytes finds it.
    const char *previous = run->at - 1;
    while (previous > from && previous > run->at - 4 && ((unsigned char)*previous & 0xc0) == 0x80)
        previous--;
    unsigned size;
    run->before = regex_character(previous, run->end, &size);
}

static void begin_thread(struct run *run, struct threads *list) {
    regoff_t *offsets = run->scratch->saved; // used up before the walk overwrites it
    for (size_t i = 0; i < run->slots; i++)
        offsets[i] = -1;
    if (run->slots > 0)
        offsets[0] = run->at - run->start;
    threads_add(run, list, 0, offsets);
}

static void run_program(struct run *run) {
    struct threads *now = &run->scratch->lists[0], *next = &run->scratch->lists[1];
    uint32_t match = (uint32_t)run->program->size - 1; // the last instruction
    now->count = next->count = 0;
    run->before = WEOF;
    for (;;) {
        if (now->count == 0) {
            if (run->found)
                return;
            skip_ahead(run);
        }
        unsigned size = 0;
        run->after = run->at < run->end ? regex_character(run->at, run->end, &size) : WEOF;
        // Threads that came here by a character looked around already, with the right neighbours; see below.
        if (!run->found)
            begin_thread(run, now);
        if (thread_exists(now, match)) {
            match_note(run, now->offsets + match * run->slots);
            if (run->slots == 0)
                return;
        }
        if (run->at == run->end)
            return;
        wint_t c = run->after;
        run->at += size;
        // The walk at the new place asks for its neighbours.
        unsigned ahead;
        run->before = c;
        run->after = run->at < run->end ? regex_character(run->at, run->end, &ahead) : WEOF;
        threads_step(run, now, next, c);
        struct threads *old = now;
        now = next;
        next = old;
    }
}

static int find_literal(const struct run *run, const struct __regex *program, size_t count, regmatch_t match[]) {
    const char *found = memmem(run->start, (size_t)(run->end - run->start), program->literal, program->literal_size);
    if (found == NULL)
        return REG_NOMATCH;
    for (size_t i = 0; i < count; i++)
        match[i] = (regmatch_t){-1, -1};
    if (count > 0)
        match[0] = (regmatch_t){found - run->start, found - run->start + (regoff_t)program->literal_size};
    return 0;
}

int regexec(const regex_t *regex, const char *string, size_t count, regmatch_t match[], int flags) {
    struct __regex *program = regex->program;
    regoff_t base = (flags & REG_STARTEND) != 0 ? match[0].rm_so : 0;
    const char *end = (flags & REG_STARTEND) != 0 ? string + match[0].rm_eo : string + strlen(string);
    struct run run = {.program = program, .start = string + base, .at = string + base, .end = end, .flags = flags};
    if ((program->flags & REG_NOSUB) != 0)
        count = 0;
    int result = REG_NOMATCH;
    if (program->literal != NULL) {
        result = find_literal(&run, program, count, match);
    } else {
        size_t groups = regex->re_nsub + 1;
        run.slots = 2 * (count < groups ? count : groups);
        run.scratch = scratch_get(program, run.slots);
        if (run.scratch == NULL)
            return REG_ESPACE;
        run_program(&run);
        result = run.found ? 0 : REG_NOMATCH;
        for (size_t i = 0; i < count && run.found; i++) {
            match[i] = (regmatch_t){-1, -1};
            if (2 * i < run.slots && run.scratch->best[2 * i + 1] >= 0 && run.scratch->best[2 * i] >= 0)
                match[i] = (regmatch_t){run.scratch->best[2 * i], run.scratch->best[2 * i + 1]};
        }
    }
    for (size_t i = 0; base > 0 && result == 0 && i < count; i++)
        if (match[i].rm_so >= 0) {
            match[i].rm_so += base;
            match[i].rm_eo += base;
        }
    return result;
}
