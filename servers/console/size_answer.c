// See size_answer.h.
#include "servers/console/size_answer.h"

#include <string.h>

void size_answer_begin(struct size_answer *answer) {
    memset(answer, 0, sizeof(*answer));
}

size_t size_answer_give_up(struct size_answer *answer, char *out) {
    uint32_t count = answer->held;
    memcpy(out, answer->bytes, count);
    answer->held = 0;
    return count;
}

// Whether `held` bytes can be the beginning of an answer; *whole: they are one.
static bool matches(const struct size_answer *answer, bool *whole) {
    uint32_t at = 2, numbers[2] = {0};
    *whole = false;
    if (answer->bytes[0] != '\033' || (answer->held > 1 && answer->bytes[1] != '['))
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t first = at;
        while (at < answer->held && answer->bytes[at] >= '0' && answer->bytes[at] <= '9')
            numbers[i] = numbers[i] * 10 + (uint32_t)(answer->bytes[at++] - '0');
        if (at >= answer->held)
            return true;
        if (at == first || at - first > 4 || answer->bytes[at] != (i == 0 ? ';' : 'R'))
            return false;
        at++;
    }
    *whole = true;
    return true;
}

size_t size_answer_feed(struct size_answer *answer, char byte, char *out) {
    bool whole;
    size_t count = 0;
    if (answer->complete || (answer->held == 0 && byte != '\033')) {
        out[0] = byte;
        return 1;
    }
    if (byte == '\033')
        count = size_answer_give_up(answer, out); // a new beginning
    answer->bytes[answer->held++] = byte;
    if (!matches(answer, &whole) || (!whole && answer->held == SIZE_ANSWER_BYTES))
        return count + size_answer_give_up(answer, out + count);
    if (!whole)
        return count;
    const char *number = answer->bytes + 2;
    for (; *number != ';'; number++)
        answer->rows = (uint16_t)(answer->rows * 10 + (*number - '0'));
    for (number++; *number != 'R'; number++)
        answer->columns = (uint16_t)(answer->columns * 10 + (*number - '0'));
    answer->complete = true;
    answer->held = 0;
    return count;
}
