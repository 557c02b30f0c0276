// The protocol `resolver`: answers out of the cache, or asks. Who asks what is being asked already waits for the same answer.
#include <string.h>

#include "libipc/client/clock.h"
#include "servers/resolver/ask.h"
#include "servers/resolver/state.h"

// A question under way, as long as somebody wants its answer.
struct pending {
    uint32_t users; // 0: free
    bool done;
    error_t error;
    struct question question;
    struct dns_answer answer;
    struct ask_room room;
    struct fiber_wait_queue waiters;
};

static struct pending pendings[QUESTIONS_MAX];
static struct fiber_wait_queue place_waiters;
static uint64_t questions, hits, failures;

// In lower case and without the dot at its end: one name, one form.
static error_t read_question(struct request *request, const struct resolver_look_up_in *in, struct question *question) {
    const struct resolver_servers *servers = &in->servers;
    uint64_t length = in->name_size;
    memset(question, 0, sizeof(*question));
    if (servers->count < 1 || servers->count > 3 || servers->patience < 100 || servers->patience > 30000 ||
        servers->attempts < 1 || servers->attempts > 5 || length == 0 || length >= DNS_NAME_BYTES)
        return ERR_INVALID;
    if (in->type != RESOLVER_TYPE_A && in->type != RESOLVER_TYPE_AAAA && in->type != RESOLVER_TYPE_CNAME &&
        in->type != RESOLVER_TYPE_PTR)
        return ERR_INVALID;
    question->servers = *servers;
    memset(question->servers.addresses + 16 * (size_t)servers->count, 0, 16 * (size_t)(3 - servers->count));
    for (uint32_t i = servers->count; i < 3; i++)
        question->servers.ports[i] = 0;
    question->type = (uint16_t)in->type;
    error_t error = request_copy_in(request, 0, question->name, length);
    if (error != ERR_OK)
        return error;
    if (length > 1 && question->name[length - 1] == '.')
        question->name[--length] = '\0';
    for (uint64_t i = 0; i < length; i++) {
        char c = question->name[i];
        if (c <= ' ' || c == 0x7f) // NUL as well
            return ERR_INVALID;
        question->name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return ERR_OK;
}

static struct pending *find_pending(const struct question *question) {
    for (uint32_t i = 0; i < QUESTIONS_MAX; i++)
        if (pendings[i].users != 0 && !pendings[i].done && question_equal(&pendings[i].question, question))
            return &pendings[i];
    return NULL;
}

static struct pending *free_pending(void) {
    for (uint32_t i = 0; i < QUESTIONS_MAX; i++)
        if (pendings[i].users == 0)
            return &pendings[i];
    return NULL;
}

static void pending_leave(struct pending *pending) {
    if (--pending->users == 0)
        fiber_wake(&place_waiters);
}

static error_t pending_ask(struct pending *pending, const struct question *question, struct dns_answer *answer) {
    pending->users = 1;
    pending->done = false;
    pending->question = *question;
    error_t error = ask(&pending->question, &pending->room, &pending->answer);
    pending->error = error;
    pending->done = true;
    if (error == ERR_OK && (pending->answer.code == 0 || pending->answer.code == DNS_NAME_ERROR))
        cache_add(question, &pending->answer, clock_monotonic());
    else
        failures++;
    *answer = pending->answer;
    fiber_wake_all(&pending->waiters);
    pending_leave(pending);
    return error;
}

// The answer that somebody else waits for; ERR_AGAIN: he has given up.
static error_t pending_join(struct pending *pending, struct dns_answer *answer) {
    error_t error = ERR_OK;
    pending->users++;
    while (error == ERR_OK && !pending->done)
        error = fiber_wait(&pending->waiters);
    if (error == ERR_OK)
        error = pending->error == ERR_CANCELLED ? ERR_AGAIN : pending->error;
    *answer = pending->answer;
    pending_leave(pending);
    return error;
}

static error_t find_answer(const struct question *question, struct dns_answer *answer) {
    for (;;) {
        const struct dns_answer *known = cache_find(question, clock_monotonic());
        struct pending *pending;
        error_t error;
        if (known != NULL) {
            hits++;
            *answer = *known;
            return ERR_OK;
        }
        if ((pending = find_pending(question)) != NULL)
            error = pending_join(pending, answer);
        else if ((pending = free_pending()) != NULL)
            return pending_ask(pending, question, answer);
        else
            error = fiber_wait(&place_waiters) == ERR_OK ? ERR_AGAIN : ERR_CANCELLED;
        if (error != ERR_AGAIN)
            return error;
    }
}

static error_t handle_look_up(struct request *request, const struct resolver_look_up_in *in, struct resolver_look_up_out *out) {
    struct question question;
    struct dns_answer answer;
    error_t error = read_question(request, in, &question);
    if (error != ERR_OK)
        return error;
    questions++;
    error = find_answer(&question, &answer);
    if (error != ERR_OK)
        return error;
    bool names = question.type == RESOLVER_TYPE_PTR || question.type == RESOLVER_TYPE_CNAME;
    uint64_t most = in->addresses_size / sizeof(answer.addresses[0]);
    out->count = names ? answer.found : answer.count < most ? answer.count : most;
    out->code = (uint64_t)answer.code;
    out->seconds = answer.seconds;
    memcpy(out->canonical.text, answer.name, sizeof(out->canonical.text));
    return names ? ERR_OK : request_copy_out(request, 0, answer.addresses, out->count * sizeof(answer.addresses[0]));
}

static error_t handle_statistics(struct request *request, const struct resolver_statistics_in *in,
                                 struct resolver_statistics_out *out) {
    (void)request;
    (void)in;
    *out = (struct resolver_statistics_out){.questions = questions,
                                            .hits = hits,
                                            .failures = failures,
                                            .entries = cache_count(clock_monotonic()),
                                            .most = CACHE_ENTRIES};
    return ERR_OK;
}

const struct resolver_ops resolver_methods = {.look_up = handle_look_up, .statistics = handle_statistics};
