// See request.h. Section numbers without another name are of RFC 9112.
#include "programs/httpd/request.h"

#include <string.h>
#include <strings.h>

struct text {
    const char *at, *end;
};

size_t request_head_length(const char *text, size_t length) {
    size_t line = 0, skipped = 0;
    while (skipped < length && (text[skipped] == '\r' || text[skipped] == '\n'))
        skipped++;
    for (size_t i = line = skipped; i < length; i++) {
        if (text[i] != '\n')
            continue;
        if (i == line || (i == line + 1 && text[line] == '\r'))
            return i + 1;
        line = i + 1;
    }
    return 0;
}

// The next line, without its end (2.2: a bare LF is taken as one).
static bool next_line(struct text *text, struct text *line) {
    const char *end = text->at < text->end ? memchr(text->at, '\n', (size_t)(text->end - text->at)) : NULL;
    if (!end)
        return false;
    *line = (struct text){text->at, end};
    if (line->end > line->at && line->end[-1] == '\r')
        line->end--;
    text->at = end + 1;
    return true;
}

static bool is_token(char c) { // RFC 9110, 5.6.2
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static struct text word(struct text *line, char separator) {
    struct text found = {line->at, line->at};
    while (found.end < line->end && *found.end != separator)
        found.end++;
    line->at = found.end < line->end ? found.end + 1 : found.end;
    return found;
}

static size_t length_of(struct text text) {
    return (size_t)(text.end - text.at);
}

// In any case; most words differ here already.
static bool begins_as(struct text text, const char *word) {
    return length_of(text) != 0 && ((text.at[0] ^ word[0]) & ~0x20) == 0;
}

static bool equals(struct text text, const char *word) {
    return begins_as(text, word) && length_of(text) == strlen(word) && memcmp(text.at, word, length_of(text)) == 0;
}

static bool equals_any_case(struct text text, const char *word) {
    return begins_as(text, word) && length_of(text) == strlen(word) && strncasecmp(text.at, word, length_of(text)) == 0;
}

static int hex_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Decodes percent signs (RFC 3986, 2.1) into `path`. 0, 400 or 414.
static int path_decode(struct text text, char *path) {
    size_t used = 0;
    for (const char *at = text.at; at < text.end; at++) {
        int byte = (unsigned char)*at;
        if (byte == '%') {
            int high = text.end - at > 2 ? hex_value(at[1]) : -1;
            int low = high >= 0 ? hex_value(at[2]) : -1;
            if (low < 0)
                return 400;
            byte = high * 16 + low;
            at += 2;
        }
        if (byte <= 0x1f || byte == 0x7f)
            return 400;
        if (used + 1 == REQUEST_PATH_MOST)
            return 414;
        path[used++] = (char)byte;
    }
    path[used] = '\0';
    return 0;
}

// Takes out "." and ".." and repeated slashes (RFC 3986, 5.2.4); ".." at the top stays there.
static void dots_remove(char *path) {
    char *to = path;
    for (const char *at = path; *at;) {
        while (*at == '/')
            at++;
        size_t length = strcspn(at, "/");
        bool last = at[length] == '\0';
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            while (to > path && *--to != '/') {
            }
        } else if (length != 0 && !(length == 1 && at[0] == '.')) {
            *to++ = '/';
            memmove(to, at, length);
            to += length;
            if (last)
                break;
            at += length;
            continue;
        }
        at += length;
        if (last) {
            *to++ = '/';
            break;
        }
    }
    if (to == path)
        *to++ = '/';
    else if (path[strlen(path) - 1] == '/' && to[-1] != '/')
        *to++ = '/';
    *to = '\0';
}

// 3.2: origin form, or absolute form, whose authority is not looked at.
static int target_parse(struct request *request, struct text target) {
    if (length_of(target) > 7 && strncasecmp(target.at, "http://", 7) == 0) {
        target.at += 7;
        while (target.at < target.end && *target.at != '/')
            target.at++;
    }
    if (target.at == target.end || *target.at != '/')
        return 400;
    struct text path = word(&target, '?');
    size_t query = length_of(target) < REQUEST_FIELD_MOST ? length_of(target) : 0;
    memcpy(request->query, target.at, query);
    int status = path_decode(path, request->path);
    if (status == 0)
        dots_remove(request->path);
    return status;
}

static int line_parse(struct request *request, struct text line) {
    struct text method = word(&line, ' '), target = word(&line, ' ');
    if (length_of(method) == 0)
        return 400;
    for (const char *at = method.at; at < method.end; at++)
        if (!is_token(*at))
            return 400;
    if (length_of(line) != 8 || memcmp(line.at, "HTTP/", 5) != 0 || line.at[6] != '.' || line.at[5] < '0' || line.at[5] > '9' ||
        line.at[7] < '0' || line.at[7] > '9')
        return 400;
    if (line.at[5] != '1')
        return 505;
    request->keep_alive = line.at[7] != '0';
    request->method = equals(method, "GET") ? METHOD_GET : equals(method, "HEAD") ? METHOD_HEAD : METHOD_OTHER;
    return target_parse(request, target);
}

static int number_parse(struct text text, uint64_t *number) {
    *number = 0;
    if (length_of(text) == 0 || length_of(text) > 15)
        return 400;
    for (; text.at < text.end; text.at++) {
        if (*text.at < '0' || *text.at > '9')
            return 400;
        *number = *number * 10 + (uint64_t)(*text.at - '0');
    }
    return 0;
}

static void field_keep(char *place, struct text value) {
    size_t length = length_of(value);
    if (length >= REQUEST_FIELD_MOST)
        return; // longer than any that makes sense
    memcpy(place, value.at, length);
    place[length] = '\0';
}

static void connection_parse(struct request *request, struct text value) {
    while (value.at < value.end) {
        struct text option = word(&value, ',');
        while (option.at < option.end && (*option.at == ' ' || *option.at == '\t'))
            option.at++;
        while (option.end > option.at && (option.end[-1] == ' ' || option.end[-1] == '\t'))
            option.end--;
        if (equals_any_case(option, "close"))
            request->keep_alive = false;
        else if (equals_any_case(option, "keep-alive"))
            request->keep_alive = true;
    }
}

struct seen {
    bool host, length;
};

static int field_parse(struct request *request, struct text line, struct seen *seen) {
    struct text name = {line.at, line.at};
    while (name.end < line.end && is_token(*name.end))
        name.end++;
    if (length_of(name) == 0 || name.end == line.end || *name.end != ':') // 5.1: no blank before the colon
        return 400;
    struct text value = {name.end + 1, line.end};
    while (value.at < value.end && (*value.at == ' ' || *value.at == '\t'))
        value.at++;
    while (value.end > value.at && (value.end[-1] == ' ' || value.end[-1] == '\t'))
        value.end--;
    for (const char *at = value.at; at < value.end; at++)
        if (*at == '\0' || *at == '\r')
            return 400;
    if (equals_any_case(name, "host")) {
        if (seen->host)
            return 400; // 3.2
        seen->host = true;
    } else if (equals_any_case(name, "content-length")) {
        uint64_t number;
        if (number_parse(value, &number) != 0 || (seen->length && number != request->body_length))
            return 400; // 6.3
        seen->length = true;
        request->body_length = number;
    } else if (equals_any_case(name, "transfer-encoding")) {
        return 501; // nothing here takes a body
    } else if (equals_any_case(name, "connection")) {
        connection_parse(request, value);
    } else if (equals_any_case(name, "range")) {
        field_keep(request->range, value);
    } else if (equals_any_case(name, "if-range")) {
        field_keep(request->if_range, value);
    } else if (equals_any_case(name, "if-none-match")) {
        field_keep(request->if_none_match, value);
    } else if (equals_any_case(name, "if-modified-since")) {
        field_keep(request->if_modified_since, value);
    }
    return 0;
}

int request_parse(struct request *request, const char *text, size_t length) {
    struct text rest = {text, text + length}, line;
    struct seen seen = {false, false};
    *request = (struct request){.method = METHOD_OTHER};
    if (length > REQUEST_HEAD_MOST)
        return 431;
    do {
        if (!next_line(&rest, &line))
            return 400;
    } while (line.at == line.end);
    bool is_11 = length_of(line) > 3 && line.end[-1] != '0';
    int status = line_parse(request, line);
    while (status == 0) {
        if (!next_line(&rest, &line))
            return 400;
        if (line.at == line.end)
            break;
        status = *line.at == ' ' || *line.at == '\t' ? 400 : field_parse(request, line, &seen); // 5.2: no folding
    }
    if (status == 0 && is_11 && !seen.host)
        return 400; // 3.2
    return status;
}

// A run of digits; false: there is none, or too many.
static bool digits_take(const char **text, uint64_t *number) {
    const char *start = *text;
    for (*number = 0; **text >= '0' && **text <= '9'; (*text)++) {
        if (*text - start == 18)
            return false;
        *number = *number * 10 + (uint64_t)(**text - '0');
    }
    return *text != start;
}

// One part; *text is moved behind it.
static enum range_result part_parse(const char **text, uint64_t size, struct range *range) {
    uint64_t last = UINT64_MAX;
    if (**text == '-') { // so many bytes of the end
        (*text)++;
        if (!digits_take(text, &last))
            return RANGE_NONE;
        range->count = last < size ? last : size;
        range->first = size - range->count;
        return range->count != 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
    }
    if (!digits_take(text, &range->first) || *(*text)++ != '-')
        return RANGE_NONE;
    if (**text >= '0' && **text <= '9' && (!digits_take(text, &last) || last < range->first))
        return RANGE_NONE;
    if (range->first >= size)
        return RANGE_UNSATISFIABLE;
    range->count = (last < size ? last + 1 : size) - range->first;
    return RANGE_PART;
}

enum range_result ranges_parse(const char *text, uint64_t size, struct range *ranges, unsigned *count) {
    unsigned parts = 0;
    uint64_t total = 0;
    *count = 0;
    if (strncasecmp(text, "bytes=", 6) != 0)
        return RANGE_NONE;
    for (text += 6;; text++) {
        text += strspn(text, " \t");
        if (*text != ',' && *text != '\0') {
            struct range range;
            enum range_result result = parts++ < RANGES_MOST ? part_parse(&text, size, &range) : RANGE_NONE;
            if (result == RANGE_NONE)
                return RANGE_NONE;
            if (result == RANGE_PART) {
                total += range.count;
                ranges[(*count)++] = range;
            }
            text += strspn(text, " \t");
        }
        if (*text == '\0')
            break;
        if (*text != ',')
            return RANGE_NONE;
    }
    if (parts == 0 || (*count > 1 && total > size)) // overlapping parts would be more work than the whole
        return RANGE_NONE;
    return *count != 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
}

bool tag_listed(const char *list, const char *tag) {
    size_t length = strlen(tag);
    while (*list) {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2; // weak comparison
        if (strncmp(list, tag, length) == 0 && (list[length] == '\0' || strchr(" \t,", list[length])))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}
