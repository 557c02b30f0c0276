// Paths, directory listings, sizes and owners as the file tools need them. Nothing here keeps state but the
// text of the last owner_name().
#include "programs/common/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/program.h"

char *path_join(const char *directory, const char *name) {
    size_t length = strlen(directory);
    size_t size = length + strlen(name) + 2;
    char *path = memory_allocate(size);
    const char *slash = length && directory[length - 1] == '/' ? "" : "/";
    snprintf(path, size, "%s%s%s", directory, slash, name);
    return path;
}

char *path_base(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (end == 1 && path[0] == '/')
        start = 0;
    char *base = memory_allocate(end - start + 1);
    memcpy(base, path + start, end - start);
    base[end - start] = 0;
    return base;
}

static int name_compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool directory_read(const char *path, struct directory_list *list) {
    *list = (struct directory_list){0};
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    size_t capacity = 0;
    struct dirent *entry;
    for (errno = 0; (entry = readdir(directory)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (list->count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            list->names = memory_resize(list->names, capacity * sizeof(char *));
        }
        list->names[list->count++] = string_copy(entry->d_name);
    }
    int error = errno;
    closedir(directory);
    if (error) {
        directory_free(list);
        errno = error;
        return false;
    }
    if (list->count)
        qsort(list->names, list->count, sizeof(char *), name_compare);
    return true;
}

void directory_free(struct directory_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct directory_list){0};
}

void mode_text(mode_t mode, char *text) {
    static const char letters[] = "rwxrwxrwx";
    text[0] = S_ISDIR(mode)    ? 'd'
              : S_ISLNK(mode)  ? 'l'
              : S_ISCHR(mode)  ? 'c'
              : S_ISBLK(mode)  ? 'b'
              : S_ISFIFO(mode) ? 'p'
              : S_ISSOCK(mode) ? 's'
                               : '-';
    for (int i = 0; i < 9; i++)
        text[1 + i] = (mode >> (8 - i)) & 1 ? letters[i] : '-';
    if (mode & S_ISUID)
        text[3] = text[3] == 'x' ? 's' : 'S';
    if (mode & S_ISGID)
        text[6] = text[6] == 'x' ? 's' : 'S';
    if (mode & 01000) // sticky: only an owner may remove a name
        text[9] = text[9] == 'x' ? 't' : 'T';
    text[10] = 0;
}

void size_text(uint64_t bytes, char *text) {
    static const char units[] = "KMGTPE";
    if (bytes < 1024) {
        snprintf(text, 16, "%u", (unsigned)bytes);
        return;
    }
    uint64_t unit = 1024;
    int index = 0;
    while (bytes / unit >= 1024) {
        unit *= 1024;
        index++;
    }
    // Tenths, rounded up, and whole units from 10 on.
    uint64_t tenths = bytes / unit * 10 + (bytes % unit * 10 + unit - 1) / unit;
    if (tenths < 100) {
        snprintf(text, 16, "%u.%u%c", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[index]);
        return;
    }
    uint64_t whole = bytes / unit + (bytes % unit != 0);
    if (whole == 1024 && units[index + 1])
        snprintf(text, 16, "1.0%c", units[index + 1]);
    else
        snprintf(text, 16, "%u%c", (unsigned)whole, units[index]);
}

bool size_parse(const char *text, uint64_t *bytes) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno)
        return false;
    uint64_t factor = 1;
    switch (*end) {
    case 0:
        break;
    case 'b':
        factor = 512;
        break;
    case 'k':
    case 'K':
        factor = 1024;
        break;
    case 'M':
        factor = 1024 * 1024;
        break;
    case 'G':
        factor = 1024 * 1024 * 1024;
        break;
    default:
        return false;
    }
    if ((*end && end[1]) || value > UINT64_MAX / factor)
        return false;
    *bytes = value * factor;
    return true;
}

// Finds "name:password:number:" in a colon-separated file.
static const char *number_name(const char *file, unsigned long number) {
    static char text[64];
    FILE *stream = fopen(file, "r");
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;
    while (stream && !found && getline(&line, &capacity, stream) > 0) {
        char *password = strchr(line, ':');
        char *value = password ? strchr(password + 1, ':') : NULL;
        if (value && value[1] >= '0' && value[1] <= '9' && strtoul(value + 1, NULL, 10) == number) {
            *password = 0;
            snprintf(text, sizeof(text), "%s", line);
            found = true;
        }
    }
    free(line);
    if (stream)
        fclose(stream);
    if (!found)
        snprintf(text, sizeof(text), "%lu", number);
    return text;
}

const char *owner_name(uid_t uid) {
    static char text[64];
    static bool known = false;
    static uid_t last;
    if (!known || last != uid)
        snprintf(text, sizeof(text), "%s", number_name("/etc/passwd", uid));
    known = true;
    last = uid;
    return text;
}

const char *group_name(gid_t gid) {
    static char text[64];
    static bool known = false;
    static gid_t last;
    if (!known || last != gid)
        snprintf(text, sizeof(text), "%s", number_name("/etc/group", gid));
    known = true;
    last = gid;
    return text;
}

bool answer_is_yes(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", program_name());
    vfprintf(stderr, format, list);
    va_end(list);
    fflush(stderr);
    int first = getchar();
    for (int c = first; c != '\n' && c != EOF;)
        c = getchar();
    return first == 'y' || first == 'Y';
}

int operand_open(const char *path) {
    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0)
        program_errno(path);
    return descriptor;
}

// One clause of a symbolic mode: [ugoa]*[-+=][rwxX]*.
static const char *mode_clause(const char *text, mode_t mode, mode_t *result) {
    mode_t who = 0;
    for (; *text && strchr("ugoa", *text); text++)
        who |= *text == 'u' ? 0700 : *text == 'g' ? 0070 : *text == 'o' ? 0007 : 0777;
    if (!who)
        who = 0777;
    char operation = *text;
    if (!operation || !strchr("+-=", operation))
        return NULL;
    mode_t bits = 0;
    for (text++; *text && *text != ','; text++) {
        if (*text == 'r')
            bits |= 0444;
        else if (*text == 'w')
            bits |= 0222;
        else if (*text == 'x' || (*text == 'X' && (S_ISDIR(mode) || (mode & 0111))))
            bits |= 0111;
        else if (*text != 'X')
            return NULL;
    }
    if (operation == '+')
        *result |= bits & who;
    else if (operation == '-')
        *result &= ~(bits & who);
    else
        *result = (*result & ~who) | (bits & who);
    return text;
}

bool mode_parse(const char *text, mode_t mode, mode_t *result) {
    *result = mode & 07777;
    if (*text >= '0' && *text <= '7') {
        char *end;
        unsigned long value = strtoul(text, &end, 8);
        *result = (mode_t)value;
        return *end == 0 && value <= 07777;
    }
    while ((text = mode_clause(text, mode, result)) && *text == ',')
        text++;
    return text && !*text;
}
