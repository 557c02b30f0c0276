// What the generated fuzz harnesses share: a request made of arbitrary bytes, handlers that look at all that
// the dispatcher lets through, and the judgement on what it answered. Included once per harness.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_expected {
    uint16_t method;
    uint32_t words_in, caps_required, caps_in, reads_max, writes_max, carries_in, carries_out;
};

uint64_t fuzz_reached;        // requests that came to a handler since the start
static unsigned fuzz_handled; // handlers called for this request
static volatile unsigned char fuzz_sink;
static uint8_t fuzz_fill;

// Bytes 0-7: tag, 8: what handlers answer, 9-16 and 17-24: lent lengths, 25-28: whether each capability came,
// the rest: words. The protocol is put right three times out of four, so that methods are reached.
static void fuzz_request_make(struct request *request, uint64_t *words, uint32_t protocol, const uint8_t *data, size_t size) {
    uint8_t head[29] = {0};
    memcpy(head, data, size < sizeof(head) ? size : sizeof(head));
    memset(words, 0, MESSAGE_WORDS * sizeof(*words));
    if (size > sizeof(head)) {
        size_t rest = size - sizeof(head);
        memcpy(words, data + sizeof(head), rest < MESSAGE_WORDS * sizeof(*words) ? rest : MESSAGE_WORDS * sizeof(*words));
    }
    *request = (struct request){.words = words, .reply = {.words = words}};
    memcpy(&request->tag, head, sizeof(request->tag));
    if ((head[1] & 3) != 0)
        request->tag = (request->tag & ~UINT64_C(0xff00)) | (uint64_t)protocol << 8;
    memcpy(&request->lent_read_length, head + 9, 8);
    memcpy(&request->lent_write_length, head + 17, 8);
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        request->caps[i] = i < tag_caps(request->tag) ? head[25 + i] : 0;
    fuzz_handled = 0;
    fuzz_fill = head[8];
}

// The words that follow the arguments when a small buffer travels in the message: its length, then its bytes.
static bool fuzz_inline(const struct request *request, const struct fuzz_expected *expected) {
    uint32_t words = tag_words(request->tag);
    uint64_t length = request->carried.in ? request->lent_read_length : request->lent_write_length;
    if (words <= expected->words_in || words > MESSAGE_REGISTER_WORDS || length != request->words[expected->words_in])
        return false;
    if (request->carried.in)
        return (request->tag & TAG_LEND_READ) == 0 && length <= expected->carries_in &&
               words == expected->words_in + 1 + (length + 7) / 8;
    return (request->tag & TAG_LEND_WRITE) == 0 && length <= expected->carries_out && words == expected->words_in + 1;
}

static void fuzz_handler(struct request *request, const struct fuzz_expected *expected, const void *in, size_t size) {
    uint64_t tag = request->tag;
    uint32_t caps = tag_caps(tag);
    bool carried = request->carried.in || request->carried.out;
    bool form = carried ? fuzz_inline(request, expected) : tag_words(tag) == expected->words_in;
    bool right = tag_method(tag) == expected->method && form && caps >= expected->caps_required && caps <= expected->caps_in;
    for (unsigned i = 0; i < caps && i < MESSAGE_CAPS; i++)
        right = right && request->caps[i] != 0;
    if ((tag & TAG_LEND_READ) != 0)
        right = right && request->lent_read_length <= expected->reads_max;
    if ((tag & TAG_LEND_WRITE) != 0)
        right = right && request->lent_write_length <= expected->writes_max;
    if (!right)
        abort(); // the dispatcher let through what it should have refused
    fuzz_handled++;
    fuzz_reached++;
    for (size_t i = 0; i < size; i++)
        fuzz_sink ^= ((const unsigned char *)in)[i];
}

static error_t fuzz_result(struct request *request, void *out, size_t size) {
    (void)request;
    memset(out, fuzz_fill, size);
    return fuzz_fill % 4 == 3 ? ERR_IO : ERR_OK;
}

static void fuzz_request_judge(const struct request *request, error_t error) {
    if (fuzz_handled > 1)
        abort();
    if (fuzz_handled == 0 && error != ERR_BAD_METHOD && error != ERR_BAD_MESSAGE)
        abort(); // refused for another reason than its form
    if (error == ERR_OK && (request->reply.word_count > MESSAGE_WORDS || request->reply.cap_count > MESSAGE_CAPS))
        abort();
    if (fuzz_handled == 0 && (request->reply.word_count != 0 || request->reply.cap_count != 0))
        abort();
}
