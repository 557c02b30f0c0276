// The virtio_net driver: virtio network devices for the shared part of network drivers. See README.md.
#include "drivers/net/service/service.h"
#include "drivers/net/virtio_net/virtio_net.h"

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    return nic_service_main(startup, &virtio_net_driver);
}
