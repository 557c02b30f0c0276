// From the tree of a regular expression to the program that regexec runs, and what can be known of its
// matches beforehand.
#include <stdlib.h>
#include <string.h>

#include "libc/internal/regex.h"

struct emitter {
    struct __regex *regex;
    const struct regex_node *nodes;
};

// The place of the new instruction, or -1.
static int64_t emit(struct __regex *regex, enum regex_operation operation, uint32_t a, uint32_t b) {
    if (regex->size == regex->capacity) {
        size_t capacity = regex->capacity * 2 + 32;
        struct regex_instruction *larger = reallocarray(regex->code, capacity, sizeof *larger);
        if (larger == NULL || capacity > 2 * REGEX_INSTRUCTIONS) {
            regex->code = larger != NULL ? larger : regex->code;
            return -1;
        }
        regex->code = larger;
        regex->capacity = capacity;
    }
    regex->code[regex->size] = (struct regex_instruction){operation, a, b};
    return (int64_t)regex->size++;
}

static bool emit_node(struct emitter *emitter, int index);

static bool emit_sequence(struct emitter *emitter, int child) {
    for (; child >= 0; child = emitter->nodes[child].next)
        if (!emit_node(emitter, child))
            return false;
    return true;
}

// split L1, L2; L1: first; jump end; L2: split ...
static bool emit_choice(struct emitter *emitter, int child) {
    struct __regex *regex = emitter->regex;
    uint32_t jumps = UINT32_MAX; // a chain through the jumps' targets, until the end is known
    for (; child >= 0; child = emitter->nodes[child].next) {
        bool last = emitter->nodes[child].next < 0;
        int64_t split = last ? 0 : emit(regex, OP_SPLIT, (uint32_t)regex->size + 1, 0);
        if (split < 0 || !emit_node(emitter, child))
            return false;
        if (last)
            break;
        int64_t jump = emit(regex, OP_JUMP, jumps, 0);
        if (jump < 0)
            return false;
        jumps = (uint32_t)jump;
        regex->code[split].b = (uint32_t)regex->size;
    }
    while (jumps != UINT32_MAX) {
        uint32_t next = regex->code[jumps].a;
        regex->code[jumps].a = (uint32_t)regex->size;
        jumps = next;
    }
    return true;
}

// L1: split L2, L3; L2: child; jump L1; L3:
static bool emit_star(struct emitter *emitter, int child) {
    struct __regex *regex = emitter->regex;
    int64_t split = emit(regex, OP_SPLIT, (uint32_t)regex->size + 1, 0);
    if (split < 0 || !emit_node(emitter, child) || emit(regex, OP_JUMP, (uint32_t)split, 0) < 0)
        return false;
    regex->code[split].b = (uint32_t)regex->size;
    return true;
}

static bool emit_repeat(struct emitter *emitter, const struct regex_node *node) {
    struct __regex *regex = emitter->regex;
    for (int i = 0; i < node->least; i++) {
        // The last required pass of x{n,} is also its loop: child; split back, on.
        uint32_t start = (uint32_t)regex->size;
        if (!emit_node(emitter, node->child))
            return false;
        if (node->most < 0 && i + 1 == node->least)
            return emit(regex, OP_SPLIT, start, (uint32_t)regex->size + 1) >= 0;
    }
    if (node->most < 0)
        return emit_star(emitter, node->child);
    uint32_t splits = UINT32_MAX; // a chain, as above
    for (int i = node->least; i < node->most; i++) {
        int64_t split = emit(regex, OP_SPLIT, (uint32_t)regex->size + 1, splits);
        if (split < 0 || !emit_node(emitter, node->child))
            return false;
        splits = (uint32_t)split;
    }
    while (splits != UINT32_MAX) {
        uint32_t next = regex->code[splits].b;
        regex->code[splits].b = (uint32_t)regex->size;
        splits = next;
    }
    return true;
}

static bool emit_node(struct emitter *emitter, int index) {
    const struct regex_node *node = &emitter->nodes[index];
    struct __regex *regex = emitter->regex;
    switch (node->kind) {
    case NODE_EMPTY:
        return true;
    case NODE_CHARACTER:
        return emit(regex, OP_CHARACTER, node->value, 0) >= 0;
    case NODE_ANY:
        return emit(regex, OP_ANY, 0, 0) >= 0;
    case NODE_SET:
        return emit(regex, OP_SET, node->value, 0) >= 0;
    case NODE_ASSERT:
        return emit(regex, OP_ASSERT, node->value, 0) >= 0;
    case NODE_SEQUENCE:
        return emit_sequence(emitter, node->child);
    case NODE_CHOICE:
        return emit_choice(emitter, node->child);
    case NODE_REPEAT:
        return emit_repeat(emitter, node);
    case NODE_GROUP:
        return emit(regex, OP_OPEN, node->value, node->last_group) >= 0 && emit_node(emitter, node->child) &&
               emit(regex, OP_CLOSE, node->value, 0) >= 0;
    }
    return false;
}

int regex_emit(struct __regex *regex, const struct regex_node *nodes, int root) {
    struct emitter emitter = {regex, nodes};
    if (!emit_node(&emitter, root) || emit(regex, OP_MATCH, 0, 0) < 0 || regex->size > REGEX_INSTRUCTIONS)
        return REG_ESPACE;
    return 0;
}

static void first_byte_of(struct __regex *regex, wint_t c) {
    char bytes[4] = {(char)c};
    if (c >= REGEX_LONE_BYTE && c <= (REGEX_LONE_BYTE | 0xff))
        bytes[0] = (char)(c & 0xff);
    else if (c >= 0x80)
        wcrtomb(bytes, (wchar_t)c, NULL);
    unsigned char byte = (unsigned char)bytes[0];
    regex->first_bytes[byte / 64] |= UINT64_C(1) << (byte % 64);
    if (byte < 0x80 && (regex->flags & REG_ICASE) != 0 && byte >= 'a' && byte <= 'z')
        regex->first_bytes[(byte - 32u) / 64] |= UINT64_C(1) << ((byte - 32u) % 64);
    // Other scripts fold too, some into ASCII.
    if ((regex->flags & REG_ICASE) != 0)
        regex->first_bytes[2] = regex->first_bytes[3] = UINT64_MAX;
}

static void first_bytes_of_set(struct __regex *regex, const struct regex_set *set) {
    regex->first_bytes[0] |= set->ascii[0];
    regex->first_bytes[1] |= set->ascii[1];
    regex->first_bytes[2] = regex->first_bytes[3] = UINT64_MAX; // whatever is not ASCII
}

// Walks everything that can be reached without taking a character.
static bool find_first_bytes(struct __regex *regex) {
    uint32_t *stack = malloc(regex->size * 2 * sizeof *stack);
    bool *seen = calloc(regex->size, sizeof *seen);
    size_t used = 0;
    bool done = stack != NULL && seen != NULL;
    if (done)
        stack[used++] = 0;
    while (used > 0) {
        uint32_t at = stack[--used];
        const struct regex_instruction *instruction = &regex->code[at];
        if (seen[at])
            continue;
        seen[at] = true;
        switch (instruction->operation) {
        case OP_CHARACTER:
            first_byte_of(regex, instruction->a);
            break;
        case OP_ANY:
            memset(regex->first_bytes, 0xff, sizeof regex->first_bytes);
            break;
        case OP_SET:
            first_bytes_of_set(regex, &regex->sets[instruction->a]);
            break;
        case OP_SPLIT:
            stack[used++] = instruction->b;
            stack[used++] = instruction->a;
            break;
        case OP_JUMP:
            stack[used++] = instruction->a;
            break;
        case OP_MATCH:
            regex->matches_empty = true;
            break;
        default:
            stack[used++] = at + 1;
            break;
        }
    }
    free(stack);
    free(seen);
    return done;
}

static void find_literal(struct __regex *regex) {
    if ((regex->flags & REG_ICASE) != 0 || regex->size < 2)
        return;
    for (size_t i = 0; i + 1 < regex->size; i++)
        if (regex->code[i].operation != OP_CHARACTER || regex->code[i].a >= 0x80)
            return;
    regex->literal = malloc(regex->size);
    if (regex->literal == NULL)
        return; // the program does it as well
    for (size_t i = 0; i + 1 < regex->size; i++)
        regex->literal[i] = (char)regex->code[i].a;
    regex->literal_size = regex->size - 1;
}

void regex_analyse(struct __regex *regex) {
    if (!find_first_bytes(regex))
        regex->matches_empty = true; // the safe assumption
    find_literal(regex);
}
