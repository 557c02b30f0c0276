// See url.h. Section numbers are of RFC 3986.
#include "programs/http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// A blank or a control character would end a line of the request early; others belong percent-encoded.
static bool is_clean(const char *text) {
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text == 0x7f) // char is signed: bytes from 0x80 on as well
            return false;
    return true;
}

static bool part_copy(char *to, size_t size, const char *from, size_t length) {
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

// Section 3.2.
static bool authority_parse(const char *text, size_t length, struct url *url) {
    const char *end = text + length, *at = memchr(text, '@', length);
    if (at != NULL) // names and passwords are not supported, and not to be taken for a host
        return false;
    const char *host = text, *host_end = end, *colon = memchr(text, ':', length);
    if (*text == '[') {
        host_end = memchr(text, ']', length);
        if (host_end == NULL)
            return false;
        host++;
        colon = host_end + 1;
        if (colon != end && *colon != ':')
            return false;
        colon = colon != end ? colon : NULL;
    } else if (colon != NULL) {
        host_end = colon;
    }
    if (host == host_end || !part_copy(url->host, sizeof(url->host), host, (size_t)(host_end - host)))
        return false;
    if (colon == NULL || colon + 1 == end)
        return part_copy(url->port, sizeof(url->port), "80", 2);
    for (const char *digit = colon + 1; digit < end; digit++)
        if (*digit < '0' || *digit > '9')
            return false;
    return part_copy(url->port, sizeof(url->port), colon + 1, (size_t)(end - colon - 1));
}

bool url_parse(const char *text, struct url *url) {
    if (!is_clean(text))
        return false;
    if (strncasecmp(text, "http://", 7) == 0)
        text += 7;
    else if (strstr(text, "://") != NULL)
        return false;
    size_t authority = strcspn(text, "/?#"), path = strcspn(text + authority, "#");
    const char *rest = text + authority;
    if (!authority_parse(text, authority, url) || path + 2 > sizeof(url->path))
        return false;
    snprintf(url->path, sizeof(url->path), "%s%.*s", *rest == '/' ? "" : "/", (int)path, rest);
    return true;
}

// Section 5.2.4: takes out "." and "..", up to the query.
static void dots_remove(char *path) {
    char *to = path, *end = path + strcspn(path, "?");
    const char *at = path;
    while (at < end) {
        size_t length = (size_t)(strcspn(at + 1, "/?"));
        bool last = at + 1 + length >= end;
        if (length == 1 && at[1] == '.') {
            if (last)
                *to++ = '/';
        } else if (length == 2 && at[1] == '.' && at[2] == '.') {
            while (to > path && *--to != '/') {
            }
            if (last)
                *to++ = '/';
        } else {
            memmove(to, at, length + 1);
            to += length + 1;
        }
        at += length + 1;
    }
    memmove(to, end, strlen(end) + 1);
}

bool url_follow(struct url *url, const char *location) {
    char path[URL_BYTES];
    size_t length = strcspn(location, "#");
    if (!is_clean(location) || *location == '\0')
        return false;
    if (strncasecmp(location, "http:", 5) == 0 || strncmp(location, "//", 2) == 0)
        return url_parse(location + (location[0] == '/' ? 2 : 0), url);
    if (strcspn(location, ":") < strcspn(location, "/?#")) // another scheme
        return false;
    // Section 5.2.3: behind the last slash of the path so far; of a query alone, behind the path.
    size_t kept = strcspn(url->path, "?");
    if (*location == '/')
        kept = 0;
    else if (*location != '?' && length != 0)
        while (kept > 0 && url->path[kept - 1] != '/')
            kept--;
    int written = snprintf(path, sizeof(path), "%.*s%.*s", (int)kept, url->path, (int)length, location);
    if (written < 0 || written >= (int)sizeof(path))
        return false;
    dots_remove(path);
    memcpy(url->path, path, sizeof(path));
    return true;
}
