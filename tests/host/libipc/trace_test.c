// Messages by name: the table is sorted and complete, requests are printed with their arguments, and nothing
// is written beyond the buffer.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/memory.h"
#include "libipc/trace/table.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                              \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

static void expect(uint16_t code, const uint64_t *words, uint32_t count, const char *text) {
    char printed[200];
    uint32_t length = trace_request_print(printed, sizeof(printed), code, words, count);
    if (strcmp(printed, text) != 0 || length != strlen(text)) {
        fprintf(stderr, "printed \"%s\", expected \"%s\"\n", printed, text);
        abort();
    }
    for (uint32_t size = 0; size <= length + 1; size++) { // cut off anywhere, never beyond
        char *small = malloc(size + 1);
        small[size] = 0x55;
        CHECK(trace_request_print(small, size, code, words, count) == length);
        CHECK(small[size] == 0x55);
        if (size != 0)
            CHECK(strncmp(small, text, size - 1) == 0 && small[size - 1] == '\0');
        free(small);
    }
}

int main(void) {
    for (uint32_t i = 0; i < trace_method_count; i++) {
        CHECK(i == 0 || trace_methods[i - 1].code < trace_methods[i].code);
        CHECK(trace_method_find(trace_methods[i].code) == &trace_methods[i]);
    }
    CHECK(trace_method_find(0) == NULL && trace_method_find(0xffff) == NULL);
    const struct trace_method *open = trace_method_find(METHOD_DIRECTORY_OPEN);
    CHECK(strcmp(open->protocol, "directory") == 0 && strcmp(open->name, "open") == 0 && open->caps_out == 1);
    CHECK(open->args == 3 && strcmp(open->arg_fields[2].name, "mode") == 0);

    uint64_t seek[] = {(uint64_t)-30, 1};
    expect(METHOD_FILE_SEEK, seek, 2, "file.seek(offset=-30, whence=1)");
    uint64_t read[] = {UINT64_MAX, 0};
    expect(METHOD_FILE_READ, read, 2, "file.read(position=0xffffffffffffffff, flags=0)");
    expect(METHOD_FILE_READ, read, 1, "file.read(position=0xffffffffffffffff)");
    uint64_t status[12] = {5};
    expect(METHOD_FILE_SET_STATUS, status, 12, "file.set_status(fields=5, status={...})");
    expect(METHOD_FILE_STATUS, NULL, 0, "file.status()");
    expect(0xc907, read, 2, "201.7()");
    char reply[64];
    uint64_t count[] = {4096};
    CHECK(trace_reply_print(reply, sizeof(reply), METHOD_FILE_READ, count, 1) == strlen("(count=4096)") &&
          strcmp(reply, "(count=4096)") == 0);
    CHECK(trace_reply_print(reply, 4, METHOD_FILE_READ, count, 1) == strlen("(count=4096)") && strcmp(reply, "(co") == 0);
    printf("ok - %u methods by name\n", trace_method_count);
    return 0;
}
