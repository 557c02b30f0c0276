// A worker: a fiber that does random operations on its own directory and on its own names in a shared one,
// and keeps in plain memory what the result must be. Workers run at the same time on one file system, so each
// checks that the others did not disturb it.
#pragma once

#include "tests/host/ext2/test_ext2.h"

enum { NO_NODE = 0xFFFF, MODEL_NODES = 48, MODEL_ENTRIES = 80, MODEL_FILE_BYTES = 1 << 20 };

struct model_node {
    enum node_type type; // 0: free
    uint8_t *data;       // regular files: MODEL_FILE_BYTES; symbolic links: the target
    uint64_t size;
    uint32_t links; // of files
    struct inode *held;
    uint32_t mode, uid; // permissions
    struct file_time modify;
    bool modify_set;
};

struct model_entry {
    bool used;
    uint32_t directory, node;
    char name[256];
    uint32_t length;
};

struct worker {
    struct filesystem *fs;
    uint32_t id, steps;
    struct host_random random;
    struct model_node nodes[MODEL_NODES]; // 0: the worker's directory, 1: the shared one
    struct model_entry entries[MODEL_ENTRIES];
    bool tolerant;    // ERR_NO_SPACE and ERR_IO may happen, with no effect on the model
    bool unsure;      // after an error of the disk the model may be wrong: no more comparing
    bool small_files; // for crash tests
    uint64_t operations, refused;
    uint8_t *buffer;
    // Crash tests: told after each successful fsync of a file, and before an operation that changes a node
    // (or, NO_NODE, the paths of many) takes effect.
    void (*fsynced)(struct worker *worker, uint32_t node);
    void (*changing)(struct worker *worker, uint32_t node);
    void *context;
    bool no_directory_moves;
};

void worker_make(struct worker *worker, uint32_t id, uint64_t seed);
void worker_free(struct worker *worker);
// Makes or finds the worker's directories. In a fiber.
void worker_enter(struct worker *worker, struct filesystem *fs);
void worker_run(void *worker);                                                         // fiber body: `steps` operations
void worker_verify(void *worker);                                                      // fiber body: compares everything
void worker_let_go(void *worker);                                                      // fiber body: releases what is held
bool worker_path(const struct worker *worker, uint32_t node, char *path, size_t size); // of one of its names
