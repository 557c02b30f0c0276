// The e1000 driver: Intel's 82540EM and 82574L for the shared part of network drivers. See README.md.
#include "drivers/net/e1000/e1000.h"
#include "drivers/net/service/service.h"

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    return nic_service_main(startup, &e1000_driver);
}
