// The protocol `service` as init serves it.
#pragma once

#include "libipc/protocols/service_server.h"

extern const struct service_ops init_service_ops;

// main.c: what is done when a time has come, and at which time next.
struct timer;
extern struct timer init_timer;
void init_resume(struct timer *timer);
