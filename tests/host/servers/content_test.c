// Contents of tmpfs files against arrays: random reads, writes, truncations and seeks at all sizes, several
// files at once, a full file system, unlinked files that are still open, missing pages in the midst.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world.h"

unsigned long check_seed, check_step;

enum { FILES = 4, SIZE_MAX_MODEL = 600000, STEPS = 3000 };

struct model {
    cap_t file;
    unsigned char *bytes;
    uint64_t size, offset;
};

static struct model models[FILES];
static unsigned char buffer[SIZE_MAX_MODEL];

static uint64_t random_position(void) {
    uint64_t position = (uint64_t)rand() % SIZE_MAX_MODEL;
    return rand() % 3 == 0 ? position / 4096 * 4096 : position;
}

static void do_write(struct model *model, bool at_offset) {
    uint64_t position = at_offset ? model->offset : random_position(), count;
    uint64_t length = (uint64_t)rand() % (rand() % 8 == 0 ? 200000 : 9000);
    if (position + length > SIZE_MAX_MODEL)
        return;
    for (uint64_t i = 0; i < length; i++)
        buffer[i] = (unsigned char)rand();
    error_t error = file_write(model->file, at_offset ? UINT64_MAX : position, 0, buffer, length, &count);
    if (error == ERR_NO_SPACE)
        return;
    CHECK(error == ERR_OK && count <= length);
    memcpy(model->bytes + position, buffer, count);
    if (count != 0 && position + count > model->size)
        model->size = position + count;
    if (at_offset)
        model->offset += count;
}

static void do_read(struct model *model, bool at_offset) {
    uint64_t position = at_offset ? model->offset : random_position(), count;
    uint64_t length = (uint64_t)rand() % (rand() % 8 == 0 ? 200000 : 9000);
    CHECK(file_read(model->file, at_offset ? UINT64_MAX : position, 0, buffer, length, &count) == ERR_OK);
    uint64_t left = position < model->size ? model->size - position : 0;
    uint64_t wanted = length < left ? length : left;
    CHECK(machine_copy_failures != 0 ? count <= wanted && (count != 0 || wanted == 0) : count == wanted);
    CHECK(memcmp(buffer, model->bytes + position, count) == 0);
    if (at_offset)
        model->offset += count;
}

static void do_truncate(struct model *model) {
    uint64_t size = random_position();
    CHECK(file_truncate(model->file, size) == ERR_OK);
    if (size < model->size)
        memset(model->bytes + size, 0, model->size - size);
    model->size = size;
}

static void do_seek(struct model *model) {
    uint64_t position, data, hole;
    struct file_status status;
    CHECK(file_status(model->file, &status) == ERR_OK && status.size == model->size);
    int64_t offset = (int64_t)random_position();
    CHECK(file_seek(model->file, offset, SEEK_WHENCE_START, &position) == ERR_OK && position == (uint64_t)offset);
    model->offset = position;
    CHECK(file_seek(model->file, -offset - 1, SEEK_WHENCE_CURRENT, &position) == ERR_INVALID);
    CHECK(file_seek(model->file, 0, SEEK_WHENCE_END, &position) == ERR_OK && position == model->size);
    model->offset = position;
    error_t error = file_seek(model->file, offset, SEEK_WHENCE_DATA, &data);
    if (error == ERR_OK) {
        CHECK(data >= (uint64_t)offset && data < model->size);
        for (uint64_t i = (uint64_t)offset; i < data; i++)
            CHECK(model->bytes[i] == 0);
        CHECK(file_seek(model->file, (int64_t)data, SEEK_WHENCE_HOLE, &hole) == ERR_OK && hole > data && hole <= model->size);
        model->offset = hole;
    } else {
        CHECK(error == ERR_NO_DEVICE_ADDRESS);
        for (uint64_t i = (uint64_t)offset; i < model->size; i++)
            CHECK(model->bytes[i] == 0);
    }
}

static void run(const char *options) {
    CHECK(world_do_mount("tmpfs", "t", "/tmp", options) == ERR_OK);
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "/tmp/%u", i);
        CHECK(path_open(world_root, name, OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &models[i].file) == ERR_OK);
        if (i % 2 == 0)
            CHECK(path_unlink(world_root, name, 0) == ERR_OK);
        models[i].bytes = calloc(1, SIZE_MAX_MODEL);
        models[i].size = models[i].offset = 0;
    }
    for (check_step = 0; check_step < STEPS; check_step++) {
        struct model *model = &models[(unsigned)rand() % FILES];
        switch (rand() % 8) {
        case 0:
            do_truncate(model);
            break;
        case 1:
            do_seek(model);
            break;
        case 2:
        case 3:
        case 4:
            do_write(model, rand() % 2);
            break;
        default:
            do_read(model, rand() % 2);
        }
    }
    CHECK(world_unmount("/tmp") == ERR_BUSY);
    for (unsigned i = 0; i < FILES; i++) {
        free(models[i].bytes);
        slot_release(models[i].file);
    }
    struct filesystem_status status;
    CHECK(directory_filesystem_status(world_root, 0, 0, "tmp", 3, &status) == ERR_OK);
    CHECK(memcmp(status.type, "tmpfs", 6) == 0 && status.free_blocks <= status.blocks);
    CHECK(path_unlink(world_root, "/tmp/1", 0) == ERR_OK && path_unlink(world_root, "/tmp/3", 0) == ERR_OK);
    CHECK(directory_filesystem_status(world_root, 0, 0, "tmp", 3, &status) == ERR_OK && status.free_blocks == status.blocks);
    CHECK(world_unmount("/tmp") == ERR_OK);
    world_end();
}

int main(int argc, char **argv) {
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    world_begin();
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && world_unmount("/tmp") == ERR_OK);
    world_end();
    for (check_seed = first; check_seed < first + 6; check_seed++) {
        srand((unsigned)check_seed);
        machine_copy_failures = check_seed % 2 == 0 ? 5 : 0;
        run(check_seed % 3 == 0 ? "size=800k" : "");
    }
    printf("ok\n");
    return 0;
}
