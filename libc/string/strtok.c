// Cutting a string into tokens in place: strtok skips empty ones, strsep gives them.
#include <string.h>

char *strtok_r(char *restrict string, const char *restrict delimiters, char **restrict state) {
    if (string == NULL)
        string = *state;
    string += strspn(string, delimiters);
    if (*string == '\0') {
        *state = string;
        return NULL;
    }
    char *end = string + strcspn(string, delimiters);
    if (*end != '\0')
        *end++ = '\0';
    *state = end;
    return string;
}

char *strtok(char *restrict string, const char *restrict delimiters) {
    static char *state;
    return strtok_r(string, delimiters, &state);
}

char *strsep(char **string, const char *delimiters) {
    char *token = *string;
    if (token == NULL)
        return NULL;
    char *end = token + strcspn(token, delimiters);
    *string = *end != '\0' ? end + 1 : NULL;
    *end = '\0';
    return token;
}
