// getopt and getopt_long. Operands that come before options are moved behind them, in order, as each option
// is taken.
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt;

static const char *cluster; // the rest of "-abc", if options are left in it
static int operands;        // how many operands stand before optind, to be moved behind the next option

// Moves the words from `first` to `first + count` - 1 in front of the operands that precede them.
static void move_before_operands(char **argv, int first, int count) {
    for (int i = 0; i < count; i++) {
        char *word = argv[first + i];
        for (int at = first + i; at > first + i - operands; at--)
            argv[at] = argv[at - 1];
        argv[first + i - operands] = word;
    }
}

static void complain(char *const argv[], const char *options, const char *text, const char *name, size_t length) {
    if (opterr && *options != ':')
        fprintf(stderr, "%s: %s: %.*s\n", argv[0], text, (int)length, name);
}

static int take_short(int argc, char *const argv[], const char *options, int *words) {
    char letter = *cluster++;
    const char *known = letter != ':' && letter != ';' ? strchr(options, letter) : NULL;
    bool last = *cluster == '\0';
    const char *rest = cluster;
    if (last || (known != NULL && known[1] == ':')) {
        cluster = NULL;
        *words = 1;
    }
    if (known == NULL) {
        optopt = (unsigned char)letter;
        complain(argv, options, "unknown option", &letter, 1);
        return '?';
    }
    if (known[1] != ':')
        return letter;
    if (!last) {
        optarg = (char *)(uintptr_t)rest;
    } else if (known[2] == ':') { // optional: only in the same word
        optarg = NULL;
    } else if (optind + 1 < argc) {
        optarg = argv[optind + 1];
        *words = 2;
    } else {
        optopt = (unsigned char)letter;
        complain(argv, options, "option needs a value", &letter, 1);
        return *options == ':' ? ':' : '?';
    }
    return letter;
}

// The option that the name is or begins; null if there is none, with *ambiguous set if there are several.
static const struct option *find_long(const struct option *list, const char *name, size_t length, bool *ambiguous) {
    const struct option *found = NULL;
    *ambiguous = false;
    for (const struct option *option = list; option->name != NULL; option++) {
        if (strncmp(option->name, name, length) != 0)
            continue;
        if (option->name[length] == '\0') {
            *ambiguous = false;
            return option;
        }
        if (found != NULL && (found->val != option->val || found->flag != option->flag))
            *ambiguous = true;
        found = option;
    }
    return *ambiguous ? NULL : found;
}

static int take_long(int argc, char *const argv[], const char *options, const struct option *list, int *index, int *words) {
    const char *name = argv[optind] + 2;
    size_t length = strcspn(name, "=");
    bool ambiguous;
    const struct option *option = find_long(list, name, length, &ambiguous);
    *words = 1;
    if (option == NULL) {
        optopt = 0;
        complain(argv, options, ambiguous ? "ambiguous option" : "unknown option", argv[optind], length + 2);
        return '?';
    }
    optarg = name[length] == '=' ? (char *)(uintptr_t)(name + length + 1) : NULL;
    if (optarg != NULL && option->has_arg == no_argument) {
        optopt = option->val;
        optarg = NULL;
        complain(argv, options, "option takes no value", argv[optind], length + 2);
        return '?';
    }
    if (optarg == NULL && option->has_arg == required_argument) {
        if (optind + 1 >= argc) {
            optopt = option->val;
            complain(argv, options, "option needs a value", argv[optind], length + 2);
            return *options == ':' ? ':' : '?';
        }
        optarg = argv[optind + 1];
        *words = 2;
    }
    if (index != NULL)
        *index = (int)(option - list);
    if (option->flag == NULL)
        return option->val;
    *option->flag = option->val;
    return 0;
}

// The next option's word is at optind afterwards. False if there are no more options.
static bool find_option(int argc, char *const argv[], bool permute, bool in_order) {
    while (optind < argc) {
        const char *word = argv[optind];
        if (word[0] == '-' && word[1] != '\0')
            return true;
        if (in_order)
            return true;
        if (!permute)
            return false;
        operands++;
        optind++;
    }
    return false;
}

int getopt_long(int argc, char *const argv[], const char *options, const struct option *list, int *index) {
    bool in_order = *options == '-', permute = *options != '+' && getenv("POSIXLY_CORRECT") == NULL;
    if (*options == '-' || *options == '+')
        options++;
    if (optind == 0) { // start afresh
        optind = 1;
        cluster = NULL;
        operands = 0;
    }
    optarg = NULL;
    int words = 0, result;
    if (cluster == NULL) {
        if (!find_option(argc, argv, permute, in_order)) {
            optind -= operands;
            operands = 0;
            return -1;
        }
        char *word = argv[optind];
        if (word[0] != '-' || word[1] == '\0') { // an operand, in order
            optarg = word;
            optind++;
            return 1;
        }
        if (strcmp(word, "--") == 0) {
            move_before_operands((char **)(uintptr_t)argv, optind, 1);
            optind += 1 - operands;
            operands = 0;
            return -1;
        }
        if (word[1] == '-' && list != NULL) {
            result = take_long(argc, argv, options, list, index, &words);
            goto taken;
        }
        cluster = word + 1;
    }
    result = take_short(argc, argv, options, &words);
taken:
    move_before_operands((char **)(uintptr_t)argv, optind, words);
    optind += words;
    return result;
}

int getopt(int argc, char *const argv[], const char *options) {
    return getopt_long(argc, argv, options, NULL, NULL);
}
