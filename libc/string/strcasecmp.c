// Comparing strings without regard to the case of ASCII letters.
#include <ctype.h>
#include <strings.h>

int strncasecmp(const char *a, const char *b, size_t maximum) {
    for (; maximum > 0; maximum--, a++, b++) {
        int x = tolower((unsigned char)*a), y = tolower((unsigned char)*b);
        if (x != y || x == '\0')
            return x - y;
    }
    return 0;
}

int strcasecmp(const char *a, const char *b) {
    return strncasecmp(a, b, (size_t)-1);
}
