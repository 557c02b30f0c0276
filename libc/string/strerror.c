// The sentence for an errno value, from the one list of errors (kernel/abi/errors.h) and the POSIX names
// beside it.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *sentence_of(int error) {
    switch (error) {
    case 0:
        return "success";
#define SENTENCE(name, value, sentence)                                                                                          \
    case -(value):                                                                                                               \
        return sentence;
        ERROR_LIST(SENTENCE)
#undef SENTENCE
#define SENTENCE(name, value, sentence)                                                                                          \
    case value:                                                                                                                  \
        return sentence;
        __ERRNO_MORE_LIST(SENTENCE)
#undef SENTENCE
    default:
        return NULL;
    }
}

char *strerror(int error) {
    static char unknown[32];
    const char *sentence = sentence_of(error);
    if (sentence != NULL)
        return (char *)(uintptr_t)sentence;
    snprintf(unknown, sizeof unknown, "unknown error %d", error);
    return unknown;
}

int strerror_r(int error, char *buffer, size_t size) {
    const char *sentence = sentence_of(error);
    int length = sentence != NULL ? snprintf(buffer, size, "%s", sentence) : snprintf(buffer, size, "unknown error %d", error);
    return (size_t)length < size ? (sentence != NULL ? 0 : EINVAL) : ERANGE;
}
