// A message: its tag, its words, and the page through which all that does not fit into registers travels. Shared by the
// kernel and by libipc; entry.asm tests TAG_SLOW with one instruction, so the field positions are part of the fast path.
#pragma once

#include <stdint.h>

typedef uint32_t cap_t; // index into the process's capability table; 0 is never valid

// The tag, bits 0 to 31 (the kernel clears what a sender sets above):
//    0-15  request: method (protocol << 8 | number)      reply: status, 0 or a negative error_t, in two's complement
//   16-18  words in registers, 0 to 6
//   19-24  words in the message page, from index 6 on, 0 to 58
//   25-27  capabilities, 0 to 4
//   28-31  flags
enum {
    TAG_METHOD_MASK = 0xffff,
    TAG_WORDS_SHIFT = 16,
    TAG_WORDS_MASK = 7,
    TAG_PAGE_WORDS_SHIFT = 19,
    TAG_PAGE_WORDS_MASK = 63,
    TAG_CAPS_SHIFT = 25,
    TAG_CAPS_MASK = 7,
};
#define TAG_LEND_READ  (UINT64_C(1) << 28) // request: the server may read the buffer page->lend_read
#define TAG_LEND_WRITE (UINT64_C(1) << 29) // request: the server may write the buffer page->lend_write
#define TAG_DEADLINE   (UINT64_C(1) << 30) // call, reply_wait, wait: give up at page->deadline
#define TAG_REPEAT     (UINT64_C(1) << 31) // request: the number of the call before, which was lost with its server
#define TAG_ANSWER                                                                                                               \
    (UINT64_C(1) << 32) // set by the kernel: the answer to a call object; r14 holds its error_t,
                        // rdi the cookie of the call object
#define TAG_SLOW UINT64_C(0xfff80000)

enum {
    MESSAGE_REGISTER_WORDS = 6,
    MESSAGE_WORDS = 64,
    MESSAGE_CAPS = 4,
    MESSAGE_LEND_MAX = 1 << 30, // bytes
};

#define TAG(method, words)                                                                                                       \
    ((uint64_t)(method)&TAG_METHOD_MASK) | ((uint64_t)((words) > 6 ? 6 : (words)) << TAG_WORDS_SHIFT) |                          \
        ((uint64_t)((words) > 6 ? (words)-6 : 0) << TAG_PAGE_WORDS_SHIFT)

static inline uint32_t tag_method(uint64_t tag) {
    return (uint32_t)tag & TAG_METHOD_MASK;
}
static inline int32_t tag_status(uint64_t tag) {
    return (int16_t)(tag & TAG_METHOD_MASK);
}
// All words of the message, register words first.
static inline uint32_t tag_words(uint64_t tag) {
    return (uint32_t)(tag >> TAG_WORDS_SHIFT & TAG_WORDS_MASK) + (uint32_t)(tag >> TAG_PAGE_WORDS_SHIFT & TAG_PAGE_WORDS_MASK);
}
static inline uint32_t tag_caps(uint64_t tag) {
    return (uint32_t)(tag >> TAG_CAPS_SHIFT) & TAG_CAPS_MASK;
}
// Counts that a message can have: words lie in the page only behind six in registers. MESSAGE_WORDS, MESSAGE_CAPS.
static inline int tag_is_possible(uint64_t tag) {
    uint32_t in_registers = (uint32_t)(tag >> TAG_WORDS_SHIFT) & TAG_WORDS_MASK;
    uint32_t in_page = (uint32_t)(tag >> TAG_PAGE_WORDS_SHIFT) & TAG_PAGE_WORDS_MASK;
    return in_registers <= 6 && in_page <= 58 && (in_page == 0 || in_registers == 6) && tag_caps(tag) <= 4;
}

// A buffer lent for the duration of one call.
struct lend {
    uint64_t address; // in the caller's space
    uint64_t length;  // bytes, at most MESSAGE_LEND_MAX
};

// page->send_caps[i]: a slot, and how it goes over.
#define SEND_CAP_MOVE 0x80000000u // the sender's slot becomes empty, even if the receiver could not take it

// One page per thread, pinned, readable and writable by its thread. Words 0 to 5 travel in registers and are not here.
struct message_page {
    uint64_t words[MESSAGE_WORDS];
    // The sender fills these for a request or a reply.
    cap_t send_caps[MESSAGE_CAPS];
    uint16_t send_rights[MESSAGE_CAPS]; // rights that the copy keeps; 0 means all
    struct lend lend_read;
    struct lend lend_write;
    uint64_t deadline; // nanoseconds of the monotonic clock
    // The receiver fills this before it waits: empty slots for what arrives (0: does not want one).
    cap_t receive_slots[MESSAGE_CAPS];
    // The kernel fills these when a message with capabilities or lent buffers arrives.
    cap_t received_caps[MESSAGE_CAPS]; // the slot filled, or 0
    uint64_t lent_read_length;         // bytes that the server may read from the caller
    uint64_t lent_write_length;        // bytes that the server may write to the caller
};

// Protocol 0 is the kernel's own voice: such a message can't be sent by a program.
enum kernel_event {
    EVENT_SESSION_CLOSED = 1, // no capability to the session `badge` is left; acknowledge with endpoint.acknowledge
    EVENT_CANCEL = 2,         // words 0, 1: number of the request that its caller wants to give up
    EVENT_FAULT = 3,          // to a keeper: struct fault_message in the words; answer with enum fault_action
    EVENT_EXIT = 4,           // to a keeper: word 0: exit status; not answered
    EVENT_PAGE = 5,           // to a pager: word 0: offset in bytes, word 1: 1 for a write; answer when supplied
};

enum fault_action { FAULT_RESUME = 0, FAULT_KILL = 1 };

// Words of EVENT_FAULT.
enum {
    FAULT_WORD_CAUSE = 0,   // processor exception vector
    FAULT_WORD_ADDRESS = 1, // CR2 for a page fault, else 0
    FAULT_WORD_RIP = 2,
    FAULT_WORD_RSP = 3,
    FAULT_WORD_RBP = 4,
    FAULT_WORD_CODE = 5, // processor error code
};
