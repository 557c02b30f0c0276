// The protocol device. A session is a device's, by its badge, or else a control session, whose badge may be
// that of a role that the manifest gives devices to. Every method finishes at once: only kernel objects are
// called.
#include "servers/devices/state.h"

#include <stddef.h>

#include "drivers/bus/pci/registers.h"
#include "libipc/protocols/device_server.h"

static uint64_t badge_of(const struct device *device) {
    return DEVICE_BADGE | (uint64_t)(device->generation & 0xff) << 8 | (uint64_t)(device - devices.state->devices);
}

// The claimed device that a session stands for; NULL: a control session, or one that has lost its device.
static struct device *session_device(uint64_t badge) {
    uint32_t index = badge & 0xff;
    if ((badge & ~UINT64_C(0xffff)) != DEVICE_BADGE || index >= devices.state->count)
        return NULL;
    struct device *device = &devices.state->devices[index];
    return device->owner != 0 && badge_of(device) == badge ? device : NULL;
}

static error_t device_next_handler(struct request *request, const struct device_next_in *in, struct device_next_out *out) {
    (void)request;
    for (uint32_t i = 0; i < devices.state->count; i++) {
        if (devices.state->devices[i].information.id <= in->id)
            continue;
        out->information = devices.state->devices[i].information;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static bool belongs_to(const struct device *device, const char role[ROLE_NAME_BYTES]) {
    return __builtin_memcmp(device->information.driver, role, ROLE_NAME_BYTES) == 0;
}

// A role that claims a device that it already has is a new actor: what the old one had is taken back first.
static error_t device_claim_handler(struct request *request, const struct device_claim_in *in, struct device_claim_out *out) {
    char role[ROLE_NAME_BYTES];
    if (!match_role(request->badge, role))
        return ERR_NOT_FOUND;
    uint64_t index = in->index;
    for (uint32_t i = 0; i < devices.state->count; i++) {
        struct device *device = &devices.state->devices[i];
        if (!belongs_to(device, role) || index-- != 0)
            continue;
        resource_release(device);
        device->generation++;
        device->owner = request->badge;
        device->information.claimed = 1;
        error_t error = server_create_session(&devices.server, badge_of(device), &out->device);
        if (error != ERR_OK)
            resource_release(device);
        return error;
    }
    return ERR_NOT_FOUND;
}

static error_t device_information_handler(struct request *request, const struct device_information_in *in,
                                          struct device_information_out *out) {
    (void)in;
    struct device *device = session_device(request->badge);
    if (device == NULL)
        return ERR_BAD_CAPABILITY;
    out->information = device->information;
    return ERR_OK;
}

static error_t device_region_handler(struct request *request, const struct device_region_in *in, struct device_region_out *out) {
    struct device *device = session_device(request->badge);
    if (device == NULL)
        return ERR_BAD_CAPABILITY;
    if (in->index >= DEVICE_REGIONS)
        return ERR_NOT_FOUND;
    const struct device_region *region = &device->information.regions[in->index];
    out->kind = region->kind;
    out->length = region->length;
    out->offset = region->kind == REGION_KIND_MEMORY ? region->address & 4095 : 0;
    return resource_region(device, (uint32_t)in->index, &out->region);
}

static error_t device_interrupt_handler(struct request *request, const struct device_interrupt_in *in,
                                        struct device_interrupt_out *out) {
    struct device *device = session_device(request->badge);
    if (device == NULL)
        return ERR_BAD_CAPABILITY;
    if (in->index >= DEVICE_INTERRUPTS)
        return ERR_NOT_FOUND;
    return resource_interrupt(device, (uint32_t)in->index, in->kind, &out->kind, &out->irq);
}

static error_t device_dma_memory_handler(struct request *request, const struct device_dma_memory_in *in,
                                         struct device_dma_memory_out *out) {
    struct device *device = session_device(request->badge);
    return device != NULL ? resource_dma(device, in->length, in->flags, &out->physical, &out->memory) : ERR_BAD_CAPABILITY;
}

static error_t device_set_master_handler(struct request *request, const struct device_set_master_in *in,
                                         struct device_set_master_out *out) {
    (void)out;
    struct device *device = session_device(request->badge);
    if (device == NULL)
        return ERR_BAD_CAPABILITY;
    if (in->on != 0 && devices.no_masters)
        return ERR_NOT_PERMITTED;
    resource_master(device, in->on != 0);
    return ERR_OK;
}

static error_t config_check(const struct device *device, uint64_t offset, uint64_t width) {
    if (device == NULL)
        return ERR_BAD_CAPABILITY;
    if (device->information.bus != BUS_KIND_PCI)
        return ERR_NOT_SUPPORTED;
    if ((width != 1 && width != 2 && width != 4) || offset % width != 0 || offset >= PCI_EXTENDED_CONFIG_BYTES)
        return ERR_INVALID;
    return ERR_OK;
}

static error_t device_config_read_handler(struct request *request, const struct device_config_read_in *in,
                                          struct device_config_read_out *out) {
    struct device *device = session_device(request->badge);
    error_t error = config_check(device, in->offset, in->width);
    if (error == ERR_OK)
        out->value = pci_read(&devices.config, device->function.location, (uint32_t)in->offset, (uint32_t)in->width);
    return error;
}

// The header is kept here (command, BARs, line), and so are the message capabilities: with them a driver
// could make its device write anywhere.
static bool config_kept(const struct pci_function *function, uint64_t offset, uint64_t end) {
    enum { HEADER_END = 0x40, MSI_BYTES = 24, MSIX_BYTES = 12 };
    return offset < HEADER_END || (function->msi != 0 && offset < function->msi + (uint64_t)MSI_BYTES && end > function->msi) ||
           (function->msix != 0 && offset < function->msix + (uint64_t)MSIX_BYTES && end > function->msix);
}

static error_t device_config_write_handler(struct request *request, const struct device_config_write_in *in,
                                           struct device_config_write_out *out) {
    (void)out;
    struct device *device = session_device(request->badge);
    error_t error = config_check(device, in->offset, in->width);
    if (error != ERR_OK)
        return error;
    if (config_kept(&device->function, in->offset, in->offset + in->width))
        return ERR_NOT_PERMITTED;
    pci_write(&devices.config, device->function.location, (uint32_t)in->offset, (uint32_t)in->width, (uint32_t)in->value);
    return ERR_OK;
}

static error_t device_release_handler(struct request *request, const struct device_release_in *in,
                                      struct device_release_out *out) {
    (void)in;
    (void)out;
    struct device *device = session_device(request->badge);
    if (device != NULL)
        resource_release(device);
    return ERR_OK;
}

void device_session_closed(uint64_t badge) {
    struct device *device = session_device(badge);
    if (device != NULL)
        resource_release(device);
}

const struct device_ops device_operations = {
    .next = device_next_handler,
    .claim = device_claim_handler,
    .information = device_information_handler,
    .region = device_region_handler,
    .interrupt = device_interrupt_handler,
    .dma_memory = device_dma_memory_handler,
    .set_master = device_set_master_handler,
    .config_read = device_config_read_handler,
    .config_write = device_config_write_handler,
    .release = device_release_handler,
};
