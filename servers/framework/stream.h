// The open files of a server whose files are streams: terminals and character devices. A session of the
// manifest is a file of its own; directory.open on any session makes another one of the same unit. Also who
// waits in file.poll, per unit. All from fixed pools: nothing is allocated. The struct belongs
// into state memory: a new actor goes on with it. Used by console and by the serial port's driver.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/directory_server.h"
#include "libipc/protocols/file_server.h"
#include "libipc/server/server.h"

enum { STREAM_FILES_MAX = 256, STREAM_WATCHES_MAX = 128 };

struct stream_file {
    uint64_t badge; // 0: this entry is free
    uint64_t flags; // enum file_flag
    uint32_t unit;
};

// A registration of file.poll; told once.
struct stream_watch {
    cap_t notification; // 0: this entry is free
    uint32_t unit;
    uint64_t bits, interest, ticket;
};

struct stream_server {
    struct server *server;
    uint32_t (*unit_of)(uint64_t badge);  // of a session of the manifest
    uint64_t (*readiness)(uint32_t unit); // enum readiness, now
    struct stream_file files[STREAM_FILES_MAX];
    struct stream_watch watches[STREAM_WATCHES_MAX];
    uint64_t last_badge, last_ticket;
};

// `is_sound`: it holds what an earlier actor left, and keeps it. `server` and the functions are for the
// caller to set afterwards.
void stream_server_start(struct stream_server *streams, bool is_sound);
// Whether a slot holds something of an earlier actor that is still needed.
bool stream_claims(const struct stream_server *streams, cap_t slot);

// NULL: the badge names nothing.
struct stream_file *stream_file_find(struct stream_server *streams, uint64_t badge);

// directory.open: the rest of the path must be empty.
MUST_USE error_t stream_open(struct stream_server *streams, struct request *request, const struct directory_open_in *in,
                             struct directory_open_out *out);
// An open file of a unit of the server's choosing, as a session to hand out.
MUST_USE error_t stream_make(struct stream_server *streams, uint32_t unit, cap_t *session);
// Whether a unit has an open file.
bool stream_is_open(const struct stream_server *streams, uint32_t unit);
// What server.session_closed does with a file.
void stream_file_closed(struct stream_server *streams, uint64_t badge);

// file.poll, file.poll_end, file.get_flags, file.set_flags.
MUST_USE error_t stream_poll(struct stream_server *streams, struct request *request, const struct file_poll_in *in,
                             struct file_poll_out *out);
void stream_poll_end(struct stream_server *streams, uint64_t ticket);
MUST_USE error_t stream_get_flags(struct stream_server *streams, struct request *request, struct file_get_flags_out *out);
MUST_USE error_t stream_set_flags(struct stream_server *streams, struct request *request, const struct file_set_flags_in *in);

// The unit's readiness has changed: tells those who wait for what holds now.
void stream_notify(struct stream_server *streams, uint32_t unit);

// What file.status says of a character device.
void stream_status(struct file_status *status, uint64_t represents);
