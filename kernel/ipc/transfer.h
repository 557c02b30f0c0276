// Moving a message from sender to receiver: words between registers, pages and call objects, capabilities between tables.
// Nothing here fails: a capability that can't be moved (slot taken, sender's slot empty) does not arrive, and the
// receiver is told so by a 0 in received_caps. A capability that was to be moved leaves the sender in any case.
#pragma once

struct call;
struct request;
struct thread;

void transfer_request(struct request *request, struct thread *server);
void transfer_reply(struct request *request, struct thread *server, struct thread *caller);
void transfer_answer(struct call *call, struct thread *server);
// An answer to nobody (its caller is gone): what it would have moved is gone too.
void transfer_drop(struct thread *server);
