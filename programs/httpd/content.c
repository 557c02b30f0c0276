// See content.h.
#include "programs/httpd/content.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static const struct {
    const char *ending, *type;
} media_types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"xml", "application/xml"},
    {"c", "text/plain; charset=utf-8"},
    {"h", "text/plain; charset=utf-8"},
    {"sh", "text/plain; charset=utf-8"},
    {"idl", "text/plain; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"ico", "image/x-icon"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"zip", "application/zip"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
};

const char *media_type(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof(media_types) / sizeof(media_types[0]); i++)
        if (strcasecmp(dot + 1, media_types[i].ending) == 0)
            return media_types[i].type;
    return "application/octet-stream";
}

const char *status_phrase(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

void date_text(time_t time, char *text) {
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(text, 32, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

// A number of exactly `digits` digits.
static bool digits_read(const char **text, int digits, int *number) {
    for (*number = 0; digits > 0; digits--, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *number = *number * 10 + (**text - '0');
    }
    return true;
}

static bool literal_skip(const char **text, const char *literal) {
    size_t length = strlen(literal);
    bool is = strncmp(*text, literal, length) == 0;
    *text += is ? length : 0;
    return is;
}

// Days since 1970 of a date of the Gregorian calendar.
static int64_t days_of(int year, int month, int day) {
    int64_t shifted = year - (month < 3), era = shifted / 400, of_era = shifted - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool date_parse(const char *text, time_t *time) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int day, year, hour, minute, second;
    const char *comma = strchr(text, ','), *month;
    if (comma == NULL || comma - text != 3)
        return false;
    text = comma + 1;
    if (!literal_skip(&text, " ") || !digits_read(&text, 2, &day) || !literal_skip(&text, " ") || strlen(text) < 3)
        return false;
    char name[4] = {text[0], text[1], text[2]};
    month = strstr(months, name);
    text += 3;
    if (month == NULL || (month - months) % 3 != 0 || !literal_skip(&text, " ") || !digits_read(&text, 4, &year) ||
        !literal_skip(&text, " ") || !digits_read(&text, 2, &hour) || !literal_skip(&text, ":") ||
        !digits_read(&text, 2, &minute) || !literal_skip(&text, ":") || !digits_read(&text, 2, &second) ||
        strcmp(text, " GMT") != 0)
        return false;
    if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *time = (time_t)(days_of(year, (int)(month - months) / 3 + 1, day) * 86400 + hour * 3600 + minute * 60 + second);
    return true;
}

void tag_text(const struct stat *status, char *text) {
    snprintf(text, 64, "\"%llx-%llx-%lx\"", (unsigned long long)status->st_size, (unsigned long long)status->st_mtim.tv_sec,
             (unsigned long)status->st_mtim.tv_nsec);
}

void html_append(struct buffer *page, const char *text) {
    for (; *text; text++) {
        const char *name = *text == '<'    ? "&lt;"
                           : *text == '>'  ? "&gt;"
                           : *text == '&'  ? "&amp;"
                           : *text == '"'  ? "&quot;"
                           : *text == '\'' ? "&#39;"
                                           : NULL;
        if (name)
            buffer_append_text(page, name);
        else
            buffer_append_byte(page, *text);
    }
}

void url_append(struct buffer *page, const char *text) {
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain =
            (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || strchr("-._~/", byte);
        if (plain)
            buffer_append_byte(page, (char)byte);
        else
            buffer_format(page, "%%%02X", byte);
    }
}

static void page_begin(struct buffer *page, const char *title) {
    buffer_append_text(page, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    html_append(page, title);
    buffer_append_text(page, "</title><style>body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;"
                             "padding:0 1em;color:#222}td{padding:0 1.5em 0 0}td.n{text-align:right}"
                             "a{color:#05a;text-decoration:none}a:hover{text-decoration:underline}</style>"
                             "</head><body><h1>");
    html_append(page, title);
    buffer_append_text(page, "</h1>");
}

void error_page(struct buffer *page, int status) {
    char title[64];
    snprintf(title, sizeof(title), "%d %s", status, status_phrase(status));
    page_begin(page, title);
    buffer_append_text(page, "<p>httpd on Keelson</p></body></html>\n");
}

static void entry_append(struct buffer *page, const char *directory, const char *name, bool folders) {
    char *path = path_join(directory, name), size[16] = "", date[32];
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) == folders) {
        buffer_append_text(page, "<tr><td><a href=\"");
        url_append(page, name);
        buffer_append_text(page, folders ? "/\">" : "\">");
        html_append(page, name);
        if (!folders)
            size_text((uint64_t)status.st_size, size);
        date_text(status.st_mtim.tv_sec, date);
        buffer_format(page, "%s</a></td><td class=\"n\">%s</td><td>%s</td></tr>\n", folders ? "/" : "", size, date);
    }
    free(path);
}

bool directory_page(struct buffer *page, const char *directory, const char *path) {
    struct directory_list list;
    if (!directory_read(directory, &list))
        return false;
    page_begin(page, path);
    buffer_append_text(page, "<table>\n");
    if (strcmp(path, "/") != 0)
        buffer_append_text(page, "<tr><td><a href=\"../\">../</a></td></tr>\n");
    for (int folders = 1; folders >= 0; folders--)
        for (size_t i = 0; i < list.count; i++)
            if (list.names[i][0] != '.')
                entry_append(page, directory, list.names[i], folders);
    buffer_append_text(page, "</table></body></html>\n");
    directory_free(&list);
    return true;
}
