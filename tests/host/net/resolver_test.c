// The resolver's cache: times, names that do not exist, lists of servers, bounds; and what /etc/resolv.conf says.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/socket/resolv_conf.h"
#include "servers/resolver/cache.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                      \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)
#define SECOND UINT64_C(1000000000)

static struct question ask(const char *name, uint16_t type, uint8_t server) {
    struct question question = {.type = type, .servers = {.addresses = {server}, .ports = {53}, .count = 1, .patience = 1000}};
    snprintf(question.name, sizeof(question.name), "%s", name);
    return question;
}

static struct dns_answer answer_of(uint32_t seconds, int code, uint32_t count) {
    struct dns_answer answer = {.seconds = seconds, .code = code, .count = count, .found = count != 0};
    return answer;
}

static void test_times(void) {
    struct question question = ask("a", DNS_TYPE_A, 1);
    struct dns_answer answer = answer_of(10, 0, 1);
    uint64_t now = 100 * SECOND;
    CHECK(cache_find(&question, now) == NULL);
    cache_add(&question, &answer, now);
    CHECK(cache_find(&question, now + 3 * SECOND)->seconds == 7);
    CHECK(cache_find(&question, now + 10 * SECOND - 1)->seconds == 1);
    CHECK(cache_find(&question, now + 10 * SECOND) == NULL);
    answer.seconds = 0;
    cache_add(&question, &answer, now + 20 * SECOND);
    CHECK(cache_find(&question, now + 20 * SECOND) == NULL);
    answer.seconds = UINT32_MAX;
    cache_add(&question, &answer, now);
    CHECK(cache_find(&question, now)->seconds == CACHE_SECONDS_MOST);
    struct dns_answer none = answer_of(UINT32_MAX, 0, 0);
    cache_add(&question, &none, now);
    CHECK(cache_find(&question, now)->seconds == CACHE_NEGATIVE_SECONDS_MOST && cache_count(now) == 1); // in its place
}

static void test_keys(void) {
    struct question a = ask("b", DNS_TYPE_A, 1), aaaa = ask("b", DNS_TYPE_AAAA, 1), other = ask("b", DNS_TYPE_A, 2);
    struct dns_answer none = answer_of(10, 0, 0), no_name = answer_of(10, DNS_NAME_ERROR, 0);
    cache_add(&a, &none, SECOND);
    CHECK(cache_find(&a, SECOND) != NULL && cache_find(&aaaa, SECOND) == NULL && cache_find(&other, SECOND) == NULL);
    cache_add(&a, &no_name, SECOND);
    CHECK(cache_find(&aaaa, SECOND) != NULL && cache_find(&other, SECOND) == NULL);
    a.servers.patience = 5;
    CHECK(cache_find(&a, SECOND) != NULL);
}

static void test_bound(void) {
    struct dns_answer answer = answer_of(1000, 0, 1);
    char name[16];
    uint64_t now = 5000000 * SECOND;
    struct question first = ask("n0", DNS_TYPE_A, 1), second = ask("n1", DNS_TYPE_A, 1);
    for (unsigned i = 0; i < CACHE_ENTRIES + 1; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        struct question question = ask(name, DNS_TYPE_A, 1);
        if (i == CACHE_ENTRIES)
            CHECK(cache_find(&first, now) != NULL); // so it is not the one unused for longest
        cache_add(&question, &answer, now);
    }
    CHECK(cache_count(now) == CACHE_ENTRIES && cache_find(&first, now) != NULL && cache_find(&second, now) == NULL);
}

static void conf_line(struct resolv_conf *conf, const char *text) {
    char line[512];
    snprintf(line, sizeof(line), "%s\n", text);
    resolv_conf_line(conf, line);
}

static void test_conf(void) {
    static struct resolv_conf conf;
    resolv_conf_start(&conf);
    CHECK(conf.servers.count == 0 && conf.servers.attempts == 3 && conf.servers.patience == 2000 && conf.dots == 1);
    conf_line(&conf, "# nameserver 1.1.1.1");
    conf_line(&conf, "nameserver 10.0.0.256");
    conf_line(&conf, "nameserver");
    conf_line(&conf, "nameserver [10.0.0.1]:99999");
    conf_line(&conf, "nameserver [10.0.0.1");
    CHECK(conf.servers.count == 0);
    conf_line(&conf, "  nameserver\t10.0.0.1 ; the first");
    conf_line(&conf, "nameserver [fe80::1]:5353");
    conf_line(&conf, "nameserver ::1");
    conf_line(&conf, "nameserver 10.0.0.4");
    CHECK(conf.servers.count == 3 && conf.servers.ports[0] == 53 && conf.servers.ports[1] == 5353);
    CHECK(conf.servers.addresses[11] == 0xff && conf.servers.addresses[15] == 1 && conf.servers.addresses[16] == 0xfe);
    conf_line(&conf, "search a.example b.example");
    CHECK(conf.search_count == 2 && strcmp(conf.search[1], "b.example") == 0);
    conf_line(&conf, "domain c.example");
    CHECK(conf.search_count == 1 && strcmp(conf.search[0], "c.example") == 0);
    conf_line(&conf, "search 1 2 3 4 5 6 7");
    CHECK(conf.search_count == 6);
    conf_line(&conf, "search");
    CHECK(conf.search_count == 0);
    conf_line(&conf, "options timeout:1 rotate attempts:99 ndots:0 timeout:x");
    CHECK(conf.servers.patience == 1000 && conf.servers.attempts == 5 && conf.dots == 0);
}

int main(void) {
    test_times();
    test_keys();
    test_bound();
    test_conf();
    return 0;
}
