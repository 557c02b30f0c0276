// The parser behind manifest.h. The text is copied once and cut into words in place.
#include "servers/init/manifest.h"

#include <string.h>

#include "kernel/abi/capability.h"

enum { WORDS = 24, PRIORITY_MAX = 59 };

struct line {
    char *words[WORDS];
    uint32_t count;
};

static error_t fail(struct manifest *manifest, uint32_t line, const char *why) {
    manifest->error_line = line;
    manifest->error = why;
    return ERR_INVALID;
}

// Cuts one line into words; returns where the next line starts.
static char *split(char *text, char *end, struct line *line) {
    line->count = 0;
    bool in_word = false;
    while (text < end && *text != '\n' && *text != '#') {
        bool blank = *text == ' ' || *text == '\t';
        if (blank)
            *text = 0;
        else if (!in_word && line->count < WORDS)
            line->words[line->count++] = text;
        in_word = !blank;
        text++;
    }
    while (text < end && *text != '\n')
        *text++ = 0;
    if (text < end)
        *text++ = 0;
    return text;
}

static bool parse_number(const char *word, uint64_t *number) {
    *number = 0;
    if (!*word)
        return false;
    for (; *word; word++) {
        if (*word < '0' || *word > '9' || *number > UINT64_MAX / 16)
            return false;
        *number = *number * 10 + (uint64_t)(*word - '0');
    }
    return true;
}

static bool parse_size(const struct line *line, uint64_t *size) {
    if (line->count == 2 && strcmp(line->words[1], "all") == 0) {
        *size = MANIFEST_ALL_MEMORY;
        return true;
    }
    if (line->count < 2 || line->count > 3 || !parse_number(line->words[1], size))
        return false;
    if (line->count == 3) {
        if (strcmp(line->words[2], "KiB") == 0)
            *size <<= 10;
        else if (strcmp(line->words[2], "MiB") == 0)
            *size <<= 20;
        else
            return false;
    }
    return true;
}

static const char *parse_session(struct manifest_role *role, const struct line *line, uint32_t number) {
    bool named = line->count == 5 && strcmp(line->words[3], "as") == 0;
    if (line->count != 3 && !named)
        return "expected: session NAME ROLE [as BADGE]";
    if (role->session_count == MANIFEST_SESSIONS)
        return "too many sessions";
    role->sessions[role->session_count++] = (struct manifest_session){
        .name = line->words[1],
        .role = line->words[2],
        .badge = named ? line->words[4] : role->name,
        .line = number,
    };
    return NULL;
}

static const char *parse_boot(struct manifest_role *role, const struct line *line) {
    static const struct {
        const char *word;
        cap_t slot;
        uint16_t rights;
    } known[] = {{"initrd", BOOT_SLOT_INITRD, 0},
                 {"platform", BOOT_SLOT_PLATFORM, 0},
                 {"irq", BOOT_SLOT_IRQ, 0},
                 {"ioport", BOOT_SLOT_IOPORT, 0},
                 {"trace", SLOT_KERNEL, RIGHT_READ | RIGHT_INSPECT | RIGHT_COPY | RIGHT_INHERIT}};
    if (line->count != 3)
        return "expected: boot NAME WHAT";
    if (role->boot_count == MANIFEST_BOOT)
        return "too many boot capabilities";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(line->words[2], known[i].word) != 0)
            continue;
        role->boot[role->boot_count++] = (struct manifest_boot){line->words[1], known[i].slot, known[i].rights};
        return NULL;
    }
    return "unknown boot capability";
}

static const char *parse_kernel(struct manifest_role *role, const struct line *line) {
    static const struct {
        const char *word;
        uint16_t right;
    } known[] = {{"random", RIGHT_RANDOM}, {"inspect", RIGHT_INSPECT}, {"log", RIGHT_CONTROL},
                 {"power", RIGHT_POWER},   {"device", RIGHT_MINT},     {"share", RIGHT_COPY}};
    for (uint32_t word = 1; word < line->count; word++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (strcmp(line->words[word], known[i].word) != 0)
                continue;
            role->kernel_rights |= known[i].right;
            found = true;
        }
        if (!found)
            return "unknown right of the kernel";
    }
    return NULL;
}

static const char *parse_property(struct manifest_role *role, const struct line *line, uint32_t number) {
    const char *word = line->words[0];
    uint64_t value;
    if (strcmp(word, "program") == 0) {
        if (line->count < 2 || line->count - 1 > MANIFEST_ARGUMENTS)
            return "expected: program PATH [ARGUMENT...]";
        role->argument_count = line->count - 1;
        memcpy(role->arguments, &line->words[1], role->argument_count * sizeof(char *));
        return NULL;
    }
    if (strcmp(word, "priority") == 0) {
        role->gathers = line->count == 3 && strcmp(line->words[2], "gathers") == 0;
        if (line->count != 2 + role->gathers || !parse_number(line->words[1], &value) || value > PRIORITY_MAX)
            return "expected: priority 0..59 [gathers]";
        role->priority = (uint32_t)value;
        return NULL;
    }
    if (strcmp(word, "memory") == 0)
        return parse_size(line, &role->memory) ? NULL : "expected: memory NUMBER [KiB|MiB], or all";
    if (strcmp(word, "state") == 0)
        return parse_size(line, &role->state) ? NULL : "expected: state NUMBER [KiB|MiB]";
    if (strcmp(word, "session") == 0)
        return parse_session(role, line, number);
    if (strcmp(word, "boot") == 0)
        return parse_boot(role, line);
    if (strcmp(word, "kernel") == 0)
        return parse_kernel(role, line);
    if (strcmp(word, "fpu") == 0) {
        role->fpu = true;
        return NULL;
    }
    if (strcmp(word, "keep") == 0) {
        role->keep = true;
        return line->count == 1 || parse_size(line, &role->log) ? NULL : "expected: keep [NUMBER [KiB|MiB]]";
    }
    if (strcmp(word, "optional") == 0) {
        role->optional = true;
        return NULL;
    }
    return "unknown property";
}

static struct manifest_role *find_role(struct manifest *manifest, const char *name, uint32_t *index) {
    for (*index = 0; *index < manifest->role_count; (*index)++)
        if (strcmp(manifest->roles[*index].name, name) == 0)
            return &manifest->roles[*index];
    return NULL;
}

// Every role has a program, every session a role to go to.
static error_t check(struct manifest *manifest) {
    for (uint32_t i = 0; i < manifest->role_count; i++) {
        struct manifest_role *role = &manifest->roles[i];
        if (role->argument_count == 0)
            return fail(manifest, role->line, "the role has no program");
        for (uint32_t s = 0; s < role->session_count; s++) {
            struct manifest_session *session = &role->sessions[s];
            if (strcmp(session->role, "init") == 0)
                session->role_index = MANIFEST_INIT;
            else if (!find_role(manifest, session->role, &session->role_index))
                return fail(manifest, session->line, "there is no such role");
        }
    }
    return ERR_OK;
}

error_t manifest_parse(struct manifest *manifest, const char *text, size_t length) {
    static char copy[MANIFEST_BYTES + 1];
    if (length > MANIFEST_BYTES)
        return fail(manifest, 0, "the manifest is too long");
    memcpy(copy, text, length);
    struct manifest_role *role = NULL;
    uint32_t number = 0, unused;
    for (char *next = copy; next < copy + length;) {
        struct line line;
        next = split(next, copy + length, &line);
        number++;
        if (line.count == 0)
            continue;
        if (strcmp(line.words[0], "role") == 0) {
            if (line.count != 2 || strlen(line.words[1]) > 31)
                return fail(manifest, number, "expected: role NAME");
            if (find_role(manifest, line.words[1], &unused))
                return fail(manifest, number, "the role is there twice");
            if (manifest->role_count == MANIFEST_ROLES)
                return fail(manifest, number, "too many roles");
            role = &manifest->roles[manifest->role_count++];
            *role = (struct manifest_role){
                .name = line.words[1], .line = number, .memory = MANIFEST_ALL_MEMORY, .kernel_rights = RIGHT_RANDOM};
            continue;
        }
        if (!role)
            return fail(manifest, number, "expected: role NAME");
        const char *error = parse_property(role, &line, number);
        if (error)
            return fail(manifest, number, error);
    }
    return check(manifest);
}
