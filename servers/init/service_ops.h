// The protocol `service` as init serves it.
#pragma once

#include "libipc/protocols/service_server.h"

extern const struct service_ops init_service_ops;
