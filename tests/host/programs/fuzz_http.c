// libFuzzer's harness for httpd's request parser: whatever comes, a request that is accepted has an absolute path without
// dot segments, a range lies within its file, and a head is never longer than what came.
#include <stdlib.h>
#include <string.h>

#include "programs/httpd/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + !size); // without a zero byte behind it
    memcpy(text, data, size);
    size_t head = request_head_length(text, size);
    struct request request;
    require(head <= size);
    if (head != 0 && request_parse(&request, text, head) == 0) {
        struct range ranges[RANGES_MOST];
        unsigned count;
        require(request.path[0] == '/' && strlen(request.path) < REQUEST_PATH_MOST);
        require(!strstr(request.path, "//") && !strstr(request.path, "/../") && !strstr(request.path, "/./"));
        size_t length = strlen(request.path);
        require(length < 3 || strcmp(request.path + length - 3, "/..") != 0);
        for (uint64_t file = 0; file < 1000; file = file * 3 + 1)
            if (ranges_parse(request.range, file, ranges, &count) == RANGE_PART)
                for (unsigned i = 0; i < count; i++)
                    require(count <= RANGES_MOST && ranges[i].count > 0 && ranges[i].first < file &&
                            ranges[i].count <= file - ranges[i].first);
        (void)tag_listed(request.if_none_match, "\"1-2-3\"");
    }
    free(text);
    return 0;
}
