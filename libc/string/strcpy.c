// Copying and joining strings.
#include <string.h>

char *stpcpy(char *restrict destination, const char *restrict source) {
    size_t length = strlen(source);
    memcpy(destination, source, length + 1);
    return destination + length;
}

char *strcpy(char *restrict destination, const char *restrict source) {
    stpcpy(destination, source);
    return destination;
}

char *stpncpy(char *restrict destination, const char *restrict source, size_t size) {
    size_t length = strnlen(source, size);
    memcpy(destination, source, length);
    memset(destination + length, 0, size - length);
    return destination + length;
}

char *strncpy(char *restrict destination, const char *restrict source, size_t size) {
    stpncpy(destination, source, size);
    return destination;
}

char *strcat(char *restrict destination, const char *restrict source) {
    stpcpy(destination + strlen(destination), source);
    return destination;
}

char *strncat(char *restrict destination, const char *restrict source, size_t maximum) {
    size_t length = strnlen(source, maximum);
    char *end = destination + strlen(destination);
    memcpy(end, source, length);
    end[length] = '\0';
    return destination;
}

// Both return the length that was wanted: at least `size` means that it was cut.
size_t strlcpy(char *restrict destination, const char *restrict source, size_t size) {
    size_t length = strlen(source);
    if (size > 0) {
        size_t copied = length < size ? length : size - 1;
        memcpy(destination, source, copied);
        destination[copied] = '\0';
    }
    return length;
}

size_t strlcat(char *restrict destination, const char *restrict source, size_t size) {
    size_t used = strnlen(destination, size);
    return used + (used < size ? strlcpy(destination + used, source, size - used) : strlen(source));
}
