// The initrd's parser on archives of the host's own cpio, and on the same with bytes changed, cut and
// repeated.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/initrdfs/archive.h"
#include "tests/host/servers/check.h"

unsigned long check_seed, check_step;

static size_t nodes, bytes_seen;

// Reads every byte of every node, and gives all back.
static void tree_visit(struct initrd_node *node) {
    for (struct initrd_node *child = node->first_child; child != NULL;) {
        struct initrd_node *next = child->next_sibling;
        CHECK(child->parent == node && node->kind == FILE_KIND_DIRECTORY);
        tree_visit(child);
        child = next;
    }
    volatile unsigned sum = 0;
    for (uint64_t i = 0; i < node->size; i++)
        sum += node->data[i];
    for (size_t i = 0; i < node->name_length; i++)
        sum += (unsigned char)node->name[i];
    CHECK(sum < UINT32_MAX);
    nodes++;
    bytes_seen += node->size;
    free(node);
}

static void parse_copy(const unsigned char *bytes, size_t length) {
    unsigned char *copy = malloc(length + 1); // exactly as long, so that reading beyond is found
    copy = realloc(copy, length != 0 ? length : 1);
    memcpy(copy, bytes, length);
    struct initrd_node *root;
    error_t error = initrd_parse(copy, length, &root);
    CHECK(error == ERR_OK || error == ERR_CORRUPT);
    nodes = bytes_seen = 0;
    tree_visit(root);
    free(copy);
}

int main(int argc, char **argv) {
    static unsigned char bytes[1 << 20], changed[1 << 20];
    check_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    srand((unsigned)check_seed);
    FILE *made = popen("d=$(mktemp -d) && cd $d && mkdir -p a/b/c e && printf 12345 >a/f && seq 1 999 >a/b/g "
                       "&& ln -s a/f l && "
                       "find . | LC_ALL=C sort | cpio -o -H newc --quiet; rm -r $d",
                       "r");
    size_t length = fread(bytes, 1, sizeof(bytes), made);
    CHECK(pclose(made) == 0 && length > 1000);
    parse_copy(bytes, length);
    CHECK(nodes == 8 && bytes_seen == 5 + 3888 + 3); // root a b c e, f g l
    for (check_step = 0; check_step < 20000; check_step++) {
        size_t cut = rand() % 4 == 0 ? (size_t)rand() % length : length;
        memcpy(changed, bytes, length);
        for (int i = rand() % 8; i > 0; i--) {
            size_t at = (size_t)rand() % length;
            if (rand() % 3 != 0)
                at = at / 4 * 4 % 1024; // headers
            changed[at] = rand() % 2 ? (unsigned char)rand() : (unsigned char)"0123456789abcdefF"[rand() % 17];
        }
        parse_copy(changed, cut);
    }
    printf("ok\n");
    return 0;
}
