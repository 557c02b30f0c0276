// string/: every function against the host's, on random contents, lengths and alignments, and at the end of a
// page.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>

OURS(memcpy);
OURS(memmove);
OURS(memset);
OURS(memcmp);
OURS(memchr);
OURS(memrchr);
OURS(memmem);
OURS(strlen);
OURS(strnlen);
OURS(strcmp);
OURS(strncmp);
OURS(strcasecmp);
OURS(strncasecmp);
OURS(strchrnul);
OURS(strspn);
OURS(strcspn);
OURS(strcasestr);
OURS(strverscmp);
OURS(strncpy);
OURS(strncat);
OURS(stpcpy);
OURS(strtok_r);
OURS(strsep);
OURS(strdup);
OURS(free);
OURS(ffs);
OURS(ffsll);
extern char *keelson_strchr(const char *, int), *keelson_strrchr(const char *, int), *keelson_strstr(const char *, const char *);
extern size_t keelson_strlcpy(char *, const char *, size_t), keelson_strlcat(char *, const char *, size_t);
extern char *keelson_strerror(int);
extern int keelson_isalnum(int), keelson_isalpha(int), keelson_isblank(int), keelson_iscntrl(int), keelson_isdigit(int),
    keelson_isgraph(int), keelson_islower(int), keelson_isprint(int), keelson_ispunct(int), keelson_isspace(int),
    keelson_isupper(int), keelson_isxdigit(int), keelson_tolower(int), keelson_toupper(int);

enum { SIZE = 4096 };

static void fill_random(unsigned char *to, size_t size, unsigned letters) {
    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)(letters == 256 ? random_word() : 'a' + random_below(letters));
}

static size_t random_length(void) {
    return random_below(4) == 0 ? random_below(SIZE / 2) : random_below(80);
}

static void copies(void **state) {
    (void)state;
    static unsigned char ours[SIZE], theirs[SIZE], source[SIZE];
    for (int round = 0; round < 20000; round++) {
        size_t length = random_length(), to = random_below(64), from = random_below(64);
        if (round % 64 == 0)
            fill_random(source, SIZE, 256);
        fill_random(ours, 64, 256);
        memcpy(theirs, ours, SIZE);
        assert_ptr_equal(keelson_memcpy(ours + to, source + from, length), ours + to);
        memcpy(theirs + to, source + from, length);
        assert_memory_equal(ours, theirs, SIZE);
        from = random_below(200), to = random_below(200);
        assert_ptr_equal(keelson_memmove(ours + to, ours + from, length), ours + to);
        memmove(theirs + to, theirs + from, length);
        assert_memory_equal(ours, theirs, SIZE);
        keelson_memset(ours + to, round, length);
        memset(theirs + to, round, length);
        assert_memory_equal(ours, theirs, SIZE);
    }
}

static void searches(void **state) {
    (void)state;
    static unsigned char a[SIZE], b[SIZE];
    for (int round = 0; round < 50000; round++) {
        size_t length = random_length(), at = random_below(16), needle = random_below(12);
        unsigned letters = 1 + random_below(4);
        fill_random(a + at, length, letters);
        a[at + length] = 0;
        memcpy(b + at, a + at, length + 1);
        if (length > 0 && random_below(2))
            b[at + random_below((uint32_t)length)] ^= (unsigned char)random_word();
        char *x = (char *)a + at, *y = (char *)b + at;
        int wanted = 'a' + (int)random_below(4);
        assert_int_equal(sign_of(keelson_memcmp(x, y, length)), sign_of(memcmp(x, y, length)));
        assert_int_equal(sign_of(keelson_strcmp(x, y)), sign_of(strcmp(x, y)));
        assert_int_equal(sign_of(keelson_strcmp(x, y + length / 2)), sign_of(strcmp(x, y + length / 2)));
        assert_int_equal(sign_of(keelson_strncmp(x, y, needle)), sign_of(strncmp(x, y, needle)));
        assert_int_equal(sign_of(keelson_strcasecmp(x, y)), sign_of(strcasecmp(x, y)));
        assert_ptr_equal(keelson_memchr(x, wanted, length), memchr(x, wanted, length));
        assert_ptr_equal(keelson_memrchr(x, wanted, length), memrchr(x, wanted, length));
        assert_int_equal(keelson_strlen(x), length);
        assert_int_equal(keelson_strnlen(x, needle), strnlen(x, needle));
        assert_ptr_equal(keelson_strchr(x, wanted), strchr(x, wanted));
        assert_ptr_equal(keelson_strchrnul(x, wanted), strchrnul(x, wanted));
        assert_ptr_equal(keelson_strrchr(x, wanted), strrchr(x, wanted));
        char word[16];
        fill_random((unsigned char *)word, needle, letters);
        word[needle] = '\0';
        assert_ptr_equal(keelson_memmem(x, length, word, needle), memmem(x, length, word, needle));
        assert_ptr_equal(keelson_strstr(x, word), strstr(x, word));
        assert_ptr_equal(keelson_strcasestr(x, word), strcasestr(x, word));
        assert_int_equal(keelson_strspn(x, word), strspn(x, word));
        assert_int_equal(keelson_strcspn(x, word), strcspn(x, word));
    }
}

// Nothing may touch the page behind a string that ends with its page.
static void page_end(void **state) {
    (void)state;
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    for (size_t length = 0; length < 40; length++) {
        char *string = pages + 4096 - length - 1;
        memset(string, 'x', length);
        string[length] = '\0';
        assert_int_equal(keelson_strlen(string), length);
        assert_ptr_equal(keelson_strchr(string, 'y'), NULL);
        assert_int_equal(keelson_strcmp(string, string), 0);
        assert_ptr_equal(keelson_memchr(string, 'y', length + 1), NULL);
    }
    munmap(pages, 8192);
}

static void long_needles(void **state) {
    (void)state;
    static char text[3000], needle[600];
    for (int round = 0; round < 3000; round++) {
        size_t size = 1 + random_below(500), period = 1 + random_below(20);
        for (size_t i = 0; i < size; i++)
            needle[i] = i < period ? (char)('a' + random_below(2)) : needle[i - period];
        for (size_t i = 0; i < sizeof text - 1; i++)
            text[i] = random_below(40) ? needle[i % size] : 'b';
        assert_ptr_equal(keelson_memmem(text, sizeof text, needle, size), memmem(text, sizeof text, needle, size));
    }
}

static void versions(void **state) {
    (void)state;
    static const char letters[] = "0019a.";
    for (int round = 0; round < 300000; round++) {
        char a[8], b[8];
        for (int i = 0; i < 7; i++) {
            a[i] = letters[random_below(6)];
            b[i] = random_below(3) ? a[i] : letters[random_below(6)];
        }
        a[random_below(8)] = b[random_below(8)] = '\0';
        a[7] = b[7] = '\0';
        if (sign_of(keelson_strverscmp(a, b)) != sign_of(strverscmp(a, b)))
            fail_msg("strverscmp(%s, %s): %d, not %d", a, b, keelson_strverscmp(a, b), strverscmp(a, b));
    }
}

static void building(void **state) {
    (void)state;
    for (int round = 0; round < 5000; round++) {
        char source[40], ours[100], theirs[100];
        size_t length = random_below(39), limit = random_below(50);
        fill_random((unsigned char *)source, length, 26);
        source[length] = '\0';
        memset(ours, '?', sizeof ours);
        memset(theirs, '?', sizeof theirs);
        keelson_strncpy(ours, source, limit);
        strncpy(theirs, source, limit);
        assert_memory_equal(ours, theirs, sizeof ours);
        strcpy(ours, "start ");
        strcpy(theirs, "start ");
        keelson_strncat(ours, source, limit);
        strncat(theirs, source, limit);
        assert_memory_equal(ours, theirs, sizeof ours);
        assert_int_equal(keelson_strlcpy(ours, source, limit), length);
        if (limit > 0)
            assert_int_equal(strlen(ours), length < limit ? length : limit - 1);
        strcpy(ours, "abc");
        assert_int_equal(keelson_strlcat(ours, source, 10), 3 + length);
        assert_int_equal(strlen(ours), 3 + length < 10 ? 3 + length : 9);
        assert_ptr_equal(keelson_stpcpy(ours, source), ours + length);
        char *copy = keelson_strdup(source);
        assert_string_equal(copy, source);
        keelson_free(copy);
    }
}

static void tokens(void **state) {
    (void)state;
    for (int round = 0; round < 5000; round++) {
        char ours[30], theirs[30], *our_state = NULL, *their_state = NULL;
        fill_random((unsigned char *)ours, 29, 4);
        ours[29] = '\0';
        memcpy(theirs, ours, 30);
        char *a = keelson_strtok_r(ours, "ab", &our_state), *b = strtok_r(theirs, "ab", &their_state);
        while (a != NULL && b != NULL) {
            assert_string_equal(a, b);
            a = keelson_strtok_r(NULL, "ab", &our_state);
            b = strtok_r(NULL, "ab", &their_state);
        }
        assert_true(a == NULL && b == NULL);
    }
}

static void classes(void **state) {
    (void)state;
    for (int c = -1; c < 256; c++) {
        assert_int_equal(!keelson_isalnum(c), !isalnum(c));
        assert_int_equal(!keelson_isalpha(c), !isalpha(c));
        assert_int_equal(!keelson_isblank(c), !isblank(c));
        assert_int_equal(!keelson_iscntrl(c), !iscntrl(c));
        assert_int_equal(!keelson_isdigit(c), !isdigit(c));
        assert_int_equal(!keelson_isgraph(c), !isgraph(c));
        assert_int_equal(!keelson_islower(c), !islower(c));
        assert_int_equal(!keelson_isprint(c), !isprint(c));
        assert_int_equal(!keelson_ispunct(c), !ispunct(c));
        assert_int_equal(!keelson_isspace(c), !isspace(c));
        assert_int_equal(!keelson_isupper(c), !isupper(c));
        assert_int_equal(!keelson_isxdigit(c), !isxdigit(c));
        assert_int_equal(keelson_tolower(c), tolower(c));
        assert_int_equal(keelson_toupper(c), toupper(c));
    }
    for (int i = 0; i < 1000; i++) {
        int value = (int)((uint32_t)random_word() << random_below(32));
        assert_int_equal(keelson_ffs(value), ffs(value));
    }
}

static void sentences(void **state) {
    (void)state;
    assert_string_equal(keelson_strerror(2), "no such file or directory");
    assert_string_equal(keelson_strerror(33), "argument out of domain");
    assert_string_equal(keelson_strerror(207), "server lost while it served the request");
    assert_string_equal(keelson_strerror(4711), "unknown error 4711");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),       cmocka_unit_test(searches), cmocka_unit_test(page_end),
        cmocka_unit_test(long_needles), cmocka_unit_test(versions), cmocka_unit_test(building),
        cmocka_unit_test(tokens),       cmocka_unit_test(classes),  cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests_name("libc_string", tests, NULL, NULL);
}
