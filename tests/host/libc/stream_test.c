// stdio: the same random operations on a file through our streams and the host's give the same bytes,
// positions and results.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Our FILE is not the host's: a pointer is all that is known of it.
typedef void STREAM;
extern STREAM *keelson_fopen(const char *, const char *), *keelson_fmemopen(void *, size_t, const char *),
    *keelson_open_memstream(char **, size_t *), *keelson_tmpfile(void), *keelson_freopen(const char *, const char *, STREAM *);
extern int keelson_fclose(STREAM *), keelson_fgetc(STREAM *), keelson_ungetc(int, STREAM *), keelson_fputc(int, STREAM *),
    keelson_fseek(STREAM *, long, int), keelson_fflush(STREAM *), keelson_feof(STREAM *), keelson_ferror(STREAM *),
    keelson_fprintf(STREAM *, const char *, ...), keelson_fscanf(STREAM *, const char *, ...),
    keelson_setvbuf(STREAM *, char *, int, size_t);
extern long keelson_ftell(STREAM *);
extern size_t keelson_fread(void *, size_t, size_t, STREAM *), keelson_fwrite(const void *, size_t, size_t, STREAM *);
extern char *keelson_fgets(char *, int, STREAM *);
extern ssize_t keelson_getline(char **, size_t *, STREAM *);
extern void keelson_free(void *);

static char folder[] = "/tmp/libc-stream-XXXXXX", ours_path[64], theirs_path[64];

static size_t contents(const char *path, char *to, size_t size) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t read = fread(to, 1, size, file);
    fclose(file);
    return read;
}

static void same_contents(void) {
    static char a[200000], b[200000];
    size_t x = contents(ours_path, a, sizeof a), y = contents(theirs_path, b, sizeof b);
    assert_int_equal(x, y);
    assert_memory_equal(a, b, x);
}

// One random operation on both. C asks for a seek or flush between writing and reading, so *writing says what
// came last.
static void operate(STREAM *ours, FILE *theirs, int *last) {
    static char bytes[9000], a[9000], b[9000];
    size_t size = random_below(6) ? random_below(100) : random_below(9000);
    for (size_t i = 0; i < size; i++)
        bytes[i] = random_below(20) ? (char)('a' + random_below(26)) : '\n';
    enum { NEUTRAL, READING, WRITING };
    uint32_t what = random_below(8);
    if ((what < 3 && *last == READING) || (what >= 3 && what < 6 && *last == WRITING))
        what = 6;
    switch (what) {
    case 0:
    case 1:
        assert_int_equal(keelson_fwrite(bytes, 1, size, ours), fwrite(bytes, 1, size, theirs));
        *last = WRITING;
        break;
    case 2:
        assert_int_equal(keelson_fprintf(ours, "%d %s\n", (int)size, "text"), fprintf(theirs, "%d %s\n", (int)size, "text"));
        *last = WRITING;
        break;
    case 3:
        assert_int_equal(keelson_fread(a, 1, size, ours), fread(b, 1, size, theirs));
        assert_memory_equal(a, b, size);
        *last = READING;
        break;
    case 4: {
        char *x = keelson_fgets(a, (int)(size % 200) + 1, ours), *y = fgets(b, (int)(size % 200) + 1, theirs);
        assert_true((x == NULL) == (y == NULL));
        if (x != NULL)
            assert_string_equal(a, b);
        *last = READING;
        break;
    }
    case 5: {
        int c = keelson_fgetc(ours);
        assert_int_equal(c, fgetc(theirs));
        if (c != EOF && random_below(2)) {
            assert_int_equal(keelson_ungetc(c, ours), c);
            ungetc(c, theirs);
        }
        *last = READING;
        break;
    }
    default: {
        long offset = (long)random_below(3000);
        int whence = (int)random_below(3);
        if (whence != SEEK_SET)
            offset = -(long)random_below(50);
        assert_int_equal(keelson_fseek(ours, offset, whence) == 0, fseek(theirs, offset, whence) == 0);
        *last = NEUTRAL;
        break;
    }
    }
    assert_int_equal(keelson_ftell(ours), ftell(theirs));
}

static void random_operations(void **state) {
    (void)state;
    static const char *const modes[] = {"w+", "r+", "a+", "r+", "w+"};
    for (int round = 0; round < 60; round++) {
        const char *mode = round == 0 ? "w+" : modes[random_below(5)];
        STREAM *ours = keelson_fopen(ours_path, mode);
        FILE *theirs = fopen(theirs_path, mode);
        assert_true(ours != NULL && theirs != NULL);
        if (round % 3 == 1) {
            keelson_setvbuf(ours, NULL, _IONBF, 0);
            setvbuf(theirs, NULL, _IONBF, 0);
        }
        int last = 0;
        // The first position of an appending stream is left open by C.
        keelson_fseek(ours, 0, SEEK_SET);
        fseek(theirs, 0, SEEK_SET);
        for (int i = 0; i < 150; i++)
            operate(ours, theirs, &last);
        assert_int_equal(keelson_fclose(ours), 0);
        fclose(theirs);
        same_contents();
    }
}

static void lines(void **state) {
    (void)state;
    FILE *file = fopen(theirs_path, "w");
    for (int i = 0; i < 300; i++) {
        for (uint32_t length = random_below(i % 50 ? 100 : 20000); length > 0; length--)
            fputc('a' + (int)random_below(26), file);
        if (i < 299)
            fputc('\n', file);
    }
    fclose(file);
    STREAM *ours = keelson_fopen(theirs_path, "r");
    file = fopen(theirs_path, "r");
    char *a = NULL, *b = NULL;
    size_t our_size = 0, their_size = 0;
    ssize_t x, y;
    do {
        x = keelson_getline(&a, &our_size, ours);
        y = getline(&b, &their_size, file);
        assert_int_equal(x, y);
        if (x > 0)
            assert_memory_equal(a, b, (size_t)x + 1);
    } while (x >= 0);
    assert_true(keelson_feof(ours));
    assert_false(keelson_ferror(ours));
    keelson_free(a);
    free(b);
    keelson_fclose(ours);
    fclose(file);
}

static void memory_streams(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    STREAM *stream = keelson_open_memstream(&text, &size);
    for (int i = 0; i < 1000; i++)
        keelson_fprintf(stream, "%d,", i);
    keelson_fflush(stream);
    assert_int_equal(size, strlen(text));
    assert_int_equal(size, 3890);
    keelson_fseek(stream, 0, SEEK_SET);
    keelson_fprintf(stream, "X");
    keelson_fclose(stream);
    assert_memory_equal(text, "X,1,2", 5);
    keelson_free(text);

    char fixed[16] = "12 abc";
    stream = keelson_fmemopen(fixed, strlen(fixed), "r");
    int number;
    char word[8];
    assert_int_equal(keelson_fscanf(stream, "%d %7s", &number, word), 2);
    assert_int_equal(number, 12);
    assert_string_equal(word, "abc");
    keelson_fclose(stream);
    stream = keelson_fmemopen(fixed, 8, "w");
    assert_int_equal(keelson_fprintf(stream, "longer than eight"), 17);
    assert_int_equal(keelson_fclose(stream), EOF);
    assert_memory_equal(fixed, "longer t", 8);
}

static void edges(void **state) {
    (void)state;
    assert_null(keelson_fopen("/nonexistent/file", "r"));
    assert_int_equal(OUR_ERRNO, 2);
    assert_null(keelson_fopen(ours_path, "q"));
    assert_int_equal(OUR_ERRNO, 22);
    STREAM *stream = keelson_fopen(ours_path, "w");
    assert_int_equal(keelson_fgetc(stream), EOF);
    assert_true(keelson_ferror(stream));
    keelson_fclose(stream);
    stream = keelson_fopen("/dev/full", "w");
    assert_int_equal(keelson_fprintf(stream, "hello"), 5);
    assert_int_equal(keelson_fflush(stream), EOF);
    assert_int_equal(OUR_ERRNO, 28);
    keelson_fclose(stream);
    stream = keelson_tmpfile();
    for (int i = 0; i < 8; i++)
        assert_int_equal(keelson_ungetc('a' + i, stream), 'a' + i);
    for (int i = 7; i >= 0; i--)
        assert_int_equal(keelson_fgetc(stream), 'a' + i);
    assert_int_equal(keelson_fgetc(stream), EOF);
    keelson_fclose(stream);
}

static int set_up(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(ours_path, sizeof ours_path, "%s/ours", folder);
    snprintf(theirs_path, sizeof theirs_path, "%s/theirs", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(ours_path);
    unlink(theirs_path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(lines),
        cmocka_unit_test(memory_streams),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("libc_stream", tests, set_up, tear_down);
}
