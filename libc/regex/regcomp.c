// regcomp and regfree: parses both grammars (POSIX XBD 9.3 basic, 9.4 extended) into a tree. Of GNU's
// extensions it knows \| \+ \? in basic expressions, and \< \> \b \B \w \W \s \S in both. Back-references are
// refused (see <regex.h>).
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "libc/internal/regex.h"

struct parser {
    struct __regex *regex;
    const char *at, *end;
    bool extended, fold, newline;
    struct regex_node *nodes;
    size_t count, capacity;
    uint32_t groups; // opened so far
    int depth;       // of parentheses
    int error;
};

// What begins at a place of the pattern, the same for both grammars.
enum token {
    TOKEN_END,
    TOKEN_ORDINARY,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OR,
    TOKEN_STAR,
    TOKEN_PLUS,
    TOKEN_QUESTION,
    TOKEN_INTERVAL
};

static int fail(struct parser *parser, int error) {
    if (parser->error == 0)
        parser->error = error;
    return -1;
}

static int node_add(struct parser *parser, enum regex_node_kind kind, uint32_t value) {
    if (parser->count == parser->capacity) {
        size_t capacity = parser->capacity * 2 + 32;
        struct regex_node *larger = reallocarray(parser->nodes, capacity, sizeof *larger);
        if (larger == NULL)
            return fail(parser, REG_ESPACE);
        parser->nodes = larger;
        parser->capacity = capacity;
    }
    parser->nodes[parser->count] =
        (struct regex_node){.kind = kind, .value = value, .child = -1, .next = -1, .most = 1, .least = 1};
    return (int)parser->count++;
}

// The token at parser->at, and its length.
static enum token look(const struct parser *parser, size_t *length) {
    const char *at = parser->at;
    *length = 1;
    if (*at == '\0')
        return TOKEN_END;
    if (*at == '*')
        return TOKEN_STAR;
    bool escaped = *at == '\\';
    char c = escaped ? at[1] : *at;
    if (escaped == parser->extended) // in this grammar it has its plain meaning
        return TOKEN_ORDINARY;
    *length = escaped ? 2 : 1;
    switch (c) {
    case '(':
        return TOKEN_OPEN;
    case ')':
        return parser->depth > 0 || !parser->extended ? TOKEN_CLOSE : TOKEN_ORDINARY;
    case '|':
        return TOKEN_OR;
    case '+':
        return TOKEN_PLUS;
    case '?':
        return TOKEN_QUESTION;
    case '{':
        if (!parser->extended || isdigit((unsigned char)at[1]) || at[1] == ',')
            return TOKEN_INTERVAL;
        return TOKEN_ORDINARY;
    default:
        return TOKEN_ORDINARY;
    }
}

static int bound(struct parser *parser) {
    int value = 0;
    for (; isdigit((unsigned char)*parser->at); parser->at++)
        if ((value = value * 10 + (*parser->at - '0')) > RE_DUP_MAX)
            return fail(parser, REG_BADBR);
    return value;
}

// {m}, {m,}, {m,n} or {,n}; parser->at is behind the brace.
static void interval(struct parser *parser, int *least, int *most) {
    *least = bound(parser);
    *most = *least;
    if (*parser->at == ',') {
        parser->at++;
        *most = isdigit((unsigned char)*parser->at) ? bound(parser) : -1;
    }
    if (parser->error == 0 && *parser->at == '\0')
        fail(parser, REG_EBRACE);
    if (!parser->extended && *parser->at == '\\')
        parser->at++;
    if (*parser->at != '}' || (*most >= 0 && *least > *most))
        fail(parser, REG_BADBR);
    else
        parser->at++;
}

// Wraps the node in the repetitions that follow it.
static int repetitions(struct parser *parser, int node) {
    for (size_t length; parser->error == 0;) {
        int least = 0, most = -1;
        switch (look(parser, &length)) {
        case TOKEN_STAR:
            parser->at += length;
            break;
        case TOKEN_PLUS:
            parser->at += length;
            least = 1;
            break;
        case TOKEN_QUESTION:
            parser->at += length;
            most = 1;
            break;
        case TOKEN_INTERVAL:
            parser->at += length;
            interval(parser, &least, &most);
            break;
        default:
            return node;
        }
        // x** is x*: without this a chain of stars would nest without end.
        if (parser->nodes[node].kind == NODE_REPEAT && least == 0 && most < 0 && parser->nodes[node].least <= 1 &&
            parser->nodes[node].most < 0) {
            parser->nodes[node].least = 0;
            continue;
        }
        int repeat = node_add(parser, NODE_REPEAT, 0);
        if (repeat < 0)
            return -1;
        parser->nodes[repeat].least = least;
        parser->nodes[repeat].most = most;
        parser->nodes[repeat].child = node;
        node = repeat;
    }
    return -1;
}

static int set_node(struct parser *parser, struct regex_set *set) {
    struct __regex *regex = parser->regex;
    struct regex_set *larger = reallocarray(regex->sets, regex->set_count + 1, sizeof *larger);
    if (larger == NULL) {
        free(set->ranges);
        return fail(parser, REG_ESPACE);
    }
    regex->sets = larger;
    regex->sets[regex->set_count] = *set;
    return node_add(parser, NODE_SET, (uint32_t)regex->set_count++);
}

static int bracket(struct parser *parser) {
    struct regex_set set;
    parser->at++;
    int error = regex_set_parse(&set, &parser->at, parser->fold, parser->newline);
    if (error != 0) {
        free(set.ranges);
        return fail(parser, error);
    }
    return set_node(parser, &set);
}

// \w \W \s \S
static int class_escape(struct parser *parser, char c) {
    struct regex_set set = {.inverted = isupper((unsigned char)c) != 0};
    bool word = tolower((unsigned char)c) == 'w';
    set.classes = 1u << (word ? CLASS_ALNUM : CLASS_SPACE);
    set.underscore = word;
    regex_set_finish(&set);
    return set_node(parser, &set);
}

static int character_node(struct parser *parser) {
    unsigned size;
    wint_t c = regex_character(parser->at, parser->end, &size);
    parser->at += size;
    return node_add(parser, NODE_CHARACTER, parser->fold ? towlower(c) : c);
}

static int escape(struct parser *parser) {
    static const char edges[] = "<>bB";
    char c = parser->at[1];
    if (c == '\0')
        return fail(parser, REG_EESCAPE);
    if (c >= '1' && c <= '9')
        return fail(parser, REG_ESUBREG);
    const char *edge = strchr(edges, c);
    if (edge != NULL || strchr("wWsS", c) != NULL) {
        parser->at += 2;
        return edge != NULL ? node_add(parser, NODE_ASSERT, ASSERT_WORD_START + (uint32_t)(edge - edges))
                            : class_escape(parser, c);
    }
    parser->at++;
    return character_node(parser);
}

static int choice(struct parser *parser);

static int group(struct parser *parser, size_t length) {
    uint32_t number = ++parser->groups;
    parser->at += length;
    if (++parser->depth > REGEX_DEPTH)
        return fail(parser, REG_ESPACE);
    int inside = choice(parser);
    if (inside < 0)
        return -1;
    if (look(parser, &length) != TOKEN_CLOSE)
        return fail(parser, REG_EPAREN);
    parser->at += length;
    parser->depth--;
    int node = node_add(parser, NODE_GROUP, number);
    if (node >= 0) {
        parser->nodes[node].child = inside;
        parser->nodes[node].last_group = parser->groups;
    }
    return node;
}

// In basic expressions '$' is an anchor only where the expression or a group ends.
static bool is_end_anchor(const struct parser *parser) {
    const char *next = parser->at + 1;
    return *parser->at == '$' && (parser->extended || *next == '\0' || (next[0] == '\\' && (next[1] == ')' || next[1] == '|')));
}

// begins: nothing stands before it in its branch but anchors.
static int atom(struct parser *parser, enum token token, size_t length, bool begins) {
    char c = *parser->at;
    if (token == TOKEN_OPEN)
        return group(parser, length);
    if (token != TOKEN_ORDINARY) { // a repetition of nothing
        if (parser->extended || !begins || token == TOKEN_INTERVAL)
            return fail(parser, REG_BADRPT);
        parser->at += length - 1;
        return character_node(parser);
    }
    if (c == '[')
        return bracket(parser);
    if (c == '\\')
        return escape(parser);
    if (c == '.') {
        parser->at++;
        return node_add(parser, NODE_ANY, 0);
    }
    if (c == '^' && (parser->extended || begins)) {
        parser->at++;
        return node_add(parser, NODE_ASSERT, ASSERT_LINE_START);
    }
    if (is_end_anchor(parser)) {
        parser->at++;
        return node_add(parser, NODE_ASSERT, ASSERT_LINE_END);
    }
    return character_node(parser);
}

// A branch: atoms with their repetitions, one after the other.
static int sequence(struct parser *parser) {
    int result = node_add(parser, NODE_SEQUENCE, 0), last = -1;
    bool begins = true;
    for (size_t length; result >= 0;) {
        enum token token = look(parser, &length);
        if (token == TOKEN_END || token == TOKEN_OR || token == TOKEN_CLOSE)
            return result;
        int node = atom(parser, token, length, begins);
        if (node < 0)
            return -1;
        bool anchor = parser->nodes[node].kind == NODE_ASSERT && parser->nodes[node].value == ASSERT_LINE_START;
        begins = begins && anchor;
        // "^*" is a literal star in basic expressions.
        if (!(anchor && !parser->extended) && (node = repetitions(parser, node)) < 0)
            return -1;
        if (last < 0)
            parser->nodes[result].child = node;
        else
            parser->nodes[last].next = node;
        last = node;
    }
    return -1;
}

static int choice(struct parser *parser) {
    int first = sequence(parser), last = first;
    size_t length;
    if (first < 0 || look(parser, &length) != TOKEN_OR)
        return first;
    int result = node_add(parser, NODE_CHOICE, 0);
    if (result < 0)
        return -1;
    parser->nodes[result].child = first;
    while (look(parser, &length) == TOKEN_OR) {
        parser->at += length;
        int next = sequence(parser);
        if (next < 0)
            return -1;
        parser->nodes[last].next = next;
        last = next;
    }
    return result;
}

int regcomp(regex_t *regex, const char *pattern, int flags) {
    struct __regex *program = calloc(1, sizeof *program);
    *regex = (regex_t){0, program};
    if (program == NULL)
        return REG_ESPACE;
    program->flags = flags;
    struct parser parser = {.regex = program,
                            .at = pattern,
                            .end = pattern + strlen(pattern),
                            .extended = (flags & REG_EXTENDED) != 0,
                            .fold = (flags & REG_ICASE) != 0,
                            .newline = (flags & REG_NEWLINE) != 0};
    int root = choice(&parser);
    if (root >= 0 && *parser.at != '\0') // only a closing parenthesis ends a choice early
        fail(&parser, REG_EPAREN);
    if (parser.error == 0)
        parser.error = regex_emit(program, parser.nodes, root);
    free(parser.nodes);
    if (parser.error != 0) {
        regfree(regex);
        return parser.error;
    }
    regex->re_nsub = parser.groups;
    regex_analyse(program);
    return 0;
}

void regfree(regex_t *regex) {
    struct __regex *program = regex->program;
    if (program == NULL)
        return;
    for (size_t i = 0; i < program->set_count; i++)
        free(program->sets[i].ranges);
    free(program->sets);
    free(program->code);
    free(program->literal);
    regex_scratch_free(program->scratch);
    free(program);
    regex->program = NULL;
}
