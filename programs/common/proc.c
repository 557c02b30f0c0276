// Reads the text files under /proc. Fields point into the file's text, which is read completely when it is
// opened.
#include "programs/common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

void proc_open(struct proc_file *file, const char *name) {
    struct buffer path, text;
    *file = (struct proc_file){.name = name};
    buffer_init(&path);
    buffer_init(&text);
    buffer_format(&path, "%s/%s", PROC_DIRECTORY, name);
    int descriptor = open(path.data, O_RDONLY);
    if (descriptor < 0 || !buffer_read_all(&text, descriptor))
        program_fail(path.data, "%s", error_text(errno));
    close(descriptor);
    if (memchr(text.data, 0, text.length))
        program_fail(path.data, "contains a zero byte");
    buffer_free(&path);
    file->text = buffer_take_final(&text);
    file->next = file->text;
}

void proc_close(struct proc_file *file) {
    free(file->text);
}

_Noreturn void proc_fail(const struct proc_file *file, const char *reason) {
    program_fail(NULL, "%s/%s: line %u: %s", PROC_DIRECTORY, file->name, file->line, reason);
}

bool proc_next(struct proc_file *file, int count) {
    if (!*file->next)
        return false;
    char *at = file->next;
    char *end = strchr(at, '\n');
    file->line++;
    if (!end)
        proc_fail(file, "no newline at the end");
    *end = 0;
    file->next = end + 1;
    for (file->field_count = 0; file->field_count < count; file->field_count++) {
        char *space = file->field_count + 1 < count ? strchr(at, ' ') : NULL;
        bool last = file->field_count + 1 == count;
        if ((!space && !last) || (space == at && !last))
            proc_fail(file, "too few fields");
        file->fields[file->field_count] = at;
        if (space) {
            *space = 0;
            at = space + 1;
        }
    }
    return true;
}

uint64_t proc_number(const struct proc_file *file, int field, int base) {
    const char *text = file->fields[field];
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, base);
    const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
    if (!*text || *end || errno || strspn(text, digits) != strlen(text))
        proc_fail(file, "not a number");
    return value;
}

bool proc_process_next(struct proc_file *file, struct proc_process *process) {
    if (!proc_next(file, 8))
        return false;
    const char *state = file->fields[3];
    if (!*state || state[1] || !strchr("RSTZ", *state))
        proc_fail(file, "unknown state");
    if (!*file->fields[7])
        proc_fail(file, "no name");
    *process = (struct proc_process){.pid = (long)proc_number(file, 0, 10),
                                     .parent = (long)proc_number(file, 1, 10),
                                     .group = (long)proc_number(file, 2, 10),
                                     .state = *state,
                                     .priority = (int)proc_number(file, 4, 10),
                                     .memory_kib = proc_number(file, 5, 10),
                                     .cpu_ms = proc_number(file, 6, 10),
                                     .name = file->fields[7]};
    return true;
}

static bool proc_flag(const struct proc_file *file, int field) {
    uint64_t value = proc_number(file, field, 10);
    if (value > 1)
        proc_fail(file, "neither 0 nor 1");
    return value == 1;
}

bool proc_disk_next(struct proc_file *file, struct proc_disk *disk) {
    if (!proc_next(file, 6))
        return false;
    *disk = (struct proc_disk){.name = file->fields[0],
                               .parent = file->fields[1],
                               .bytes = proc_number(file, 2, 10),
                               .sector_bytes = proc_number(file, 3, 10),
                               .read_only = proc_flag(file, 4),
                               .model = file->fields[5]};
    return true;
}

bool proc_pci_next(struct proc_file *file, struct proc_pci *function) {
    if (!proc_next(file, 6))
        return false;
    char *colon = strchr(file->fields[1], ':');
    if (!colon)
        proc_fail(file, "not vendor:device");
    *colon = 0;
    *function = (struct proc_pci){.address = file->fields[0],
                                  .vendor = (unsigned)proc_number(file, 1, 16),
                                  .class_code = (unsigned)proc_number(file, 2, 16),
                                  .revision = (unsigned)proc_number(file, 3, 16),
                                  .irq = file->fields[4],
                                  .driver = file->fields[5]};
    file->fields[1] = colon + 1;
    function->device = (unsigned)proc_number(file, 1, 16);
    if (strcmp(function->irq, "-") != 0)
        proc_number(file, 4, 10);
    return true;
}

// \040 and the like: blanks and backslashes in names.
static void unescape(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
            text[3] <= '7') {
            *out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = 0;
}

bool proc_mount_next(struct proc_file *file, struct proc_mount *mount) {
    if (!proc_next(file, 4))
        return false;
    *mount = (struct proc_mount){file->fields[0], file->fields[1], file->fields[2], file->fields[3]};
    mount->options[strcspn(mount->options, " ")] = 0; // Linux has two more fields, for which there is no use
    unescape(mount->source);
    unescape(mount->target);
    return true;
}

bool proc_log_next(struct proc_file *file, struct proc_log *entry) {
    if (!proc_next(file, 3))
        return false;
    char *dot = strchr(file->fields[1], '.');
    char *colon = strstr(file->fields[2], ": ");
    entry->level = (unsigned)proc_number(file, 0, 10);
    if (entry->level > 7)
        proc_fail(file, "unknown level");
    if (!dot || strlen(dot + 1) != 6 || !colon)
        proc_fail(file, "not seconds.micros sender: text");
    *dot = 0;
    *colon = 0;
    entry->seconds = proc_number(file, 1, 10);
    entry->sender = file->fields[2];
    entry->text = colon + 2;
    file->fields[1] = dot + 1;
    entry->microseconds = proc_number(file, 1, 10);
    return true;
}

uint64_t proc_memory(const char *key) {
    struct proc_file file;
    proc_open(&file, "memory");
    while (proc_next(&file, 2)) {
        if (strcmp(file.fields[0], key) == 0) {
            uint64_t value = proc_number(&file, 1, 10);
            proc_close(&file);
            return value;
        }
    }
    program_fail(NULL, "%s/memory: no line for %s", PROC_DIRECTORY, key);
}
