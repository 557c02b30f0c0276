// A stream (FILE): a buffer in front of something that reads, writes and seeks. The buffer holds either bytes
// that were read and not yet taken (read_at to read_end) or bytes that wait to be written (pending, from its
// start), never both. UNGET_ROOM bytes in front of it take what ungetc pushes back.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "kernel/abi/errors.h"

enum { UNGET_ROOM = 8 };

struct stream_operations {
    // All as in system.h. A null pointer: the stream can't do it.
    error_t (*read)(FILE *stream, void *buffer, size_t size, size_t *done);
    error_t (*write)(FILE *stream, const void *buffer, size_t size, size_t *done);
    error_t (*seek)(FILE *stream, off_t offset, int whence, off_t *position);
    error_t (*close)(FILE *stream);
};

struct __stream {
    const struct stream_operations *operations;
    unsigned char *buffer; // null until first used; capacity bytes, with UNGET_ROOM more in front
    size_t capacity;
    unsigned char *read_at, *read_end;
    size_t pending;
    int mode; // _IOFBF, _IOLBF, _IONBF
    bool readable, writable, append;
    bool end_seen, failed;
    bool mode_chosen;                    // by setvbuf, or by finding out that it is a terminal
    bool buffer_owned;                   // to be freed
    bool fixed;                          // the struct is not from malloc
    int fd;                              // -1 if there is none
    void *memory;                        // of the memory streams
    pid_t child;                         // of popen
    unsigned char small[UNGET_ROOM + 1]; // the buffer of an unbuffered stream
    FILE *next, *before;
};

// Every open stream, for fflush(NULL) and exit.
void stream_list_add(FILE *stream);
void stream_list_remove(FILE *stream);
void stream_flush_all(void);

// A new stream in the list, or null with ENOMEM. mode is fopen's, checked already by stream_mode_flags.
FILE *stream_create(const struct stream_operations *operations, int open_flags);
extern const struct stream_operations descriptor_operations;
// The O_... flags of an fopen mode; -1 with EINVAL.
int stream_mode_flags(const char *mode);

// Reads more bytes. False at the end, or on an error: the stream's flags tell which.
bool stream_fill(FILE *stream);
// Makes the stream ready to take bytes to write. False (EBADF, ENOMEM) if it can't.
bool stream_start_writing(FILE *stream);
// Writes what is pending. False on an error, with errno set.
bool stream_flush(FILE *stream);
// Writes, through the buffer as the mode says. Returns the bytes taken: less than size is an error.
size_t stream_write(FILE *stream, const void *bytes, size_t size);
// Gives unread bytes back to the file, if it can seek, so that its position is the reader's.
void stream_drop_unread(FILE *stream);
