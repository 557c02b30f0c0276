// PCI enumeration against a modelled configuration space: a machine with bridges and all kinds of BARs, and
// machines whose registers are random or change with each read.
#include "tests/host/cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/bus/pci/pci.h"
#include "drivers/bus/pci/registers.h"

enum { FUNCTIONS = 16, CAPACITY = 64 };

struct model_function {
    uint32_t location;
    uint8_t config[256];
    uint32_t bar_mask[6]; // bits that can be written
};

static struct model_function model[FUNCTIONS];
static uint32_t model_count, decoding_while_sized;
static struct pci_function found[CAPACITY];

static struct model_function *function_at(uint32_t location) {
    for (uint32_t i = 0; i < model_count; i++)
        if (model[i].location == location)
            return &model[i];
    return NULL;
}

static uint32_t model_read(void *context, uint32_t location, uint32_t offset, uint32_t width) {
    (void)context;
    struct model_function *function = function_at(location);
    uint32_t value = UINT32_MAX >> (32 - width * 8);
    assert_true(offset % width == 0 && offset + width <= 256);
    if (function != NULL) {
        value = 0;
        memcpy(&value, function->config + offset, width);
    }
    return value;
}

static void model_write(void *context, uint32_t location, uint32_t offset, uint32_t width, uint32_t value) {
    (void)context;
    struct model_function *function = function_at(location);
    assert_true(offset % width == 0 && offset + width <= 256);
    if (function == NULL)
        return;
    if (offset >= PCI_BAR_FIRST && offset < PCI_BAR_FIRST + 24) {
        uint32_t mask = function->bar_mask[(offset - PCI_BAR_FIRST) / 4], old;
        if ((function->config[PCI_COMMAND] & 3) != 0)
            decoding_while_sized++;
        memcpy(&old, function->config + offset, 4);
        value = (value & mask) | (old & ~mask);
    }
    memcpy(function->config + offset, &value, width);
}

static const struct pci_access access_model = {model_read, model_write, NULL};

static struct model_function *add(uint32_t bus, uint32_t device, uint32_t number, uint16_t vendor, uint32_t class) {
    struct model_function *function = &model[model_count++];
    *function = (struct model_function){.location = pci_location(0, bus, device, number)};
    memcpy(function->config, &vendor, 2);
    function->config[PCI_COMMAND] = 7;
    function->config[PCI_CLASS] = (uint8_t)(class >> 16);
    function->config[PCI_SUBCLASS] = (uint8_t)(class >> 8);
    function->config[PCI_INTERFACE] = (uint8_t) class;
    return function;
}

static void bar(struct model_function *function, uint32_t index, uint32_t value, uint32_t mask) {
    memcpy(function->config + PCI_BAR_FIRST + index * 4, &value, 4);
    function->bar_mask[index] = mask;
}

static void bridge(uint32_t bus, uint32_t device, uint8_t secondary) {
    struct model_function *function = add(bus, device, 0, 0x1b36, 0x060400);
    function->config[PCI_HEADER_TYPE] = PCI_HEADER_BRIDGE;
    function->config[PCI_SECONDARY_BUS] = secondary;
}

static int setup(void **state) {
    (void)state;
    model_count = 0;
    decoding_while_sized = 0;
    return 0;
}

static uint32_t enumerate(void) {
    uint32_t dropped;
    uint32_t count = pci_enumerate(&access_model, 0, 0, 255, found, CAPACITY, &dropped);
    for (uint32_t i = 0; i < count; i++)
        pci_bars_read(&access_model, &found[i]);
    return count;
}

static void test_machine(void **state) {
    (void)state;
    add(0, 0, 0, 0x8086, 0x060000);
    add(0, 1, 0, 0x8086, 0x060100)->config[PCI_HEADER_TYPE] = PCI_HEADER_MULTIFUNCTION;
    struct model_function *ide = add(0, 1, 1, 0x8086, 0x010180);
    bar(ide, 4, 0xc041, 0xfffffff0);
    add(0, 5, 3, 0x1234, 0x030000); // function 3 of nothing: not to be seen
    bridge(0, 30, 4);
    struct model_function *card = add(4, 2, 0, 0x10ec, 0x020000);
    bar(card, 0, 0xfebc0008, 0xfffe0000);
    bar(card, 1, 0xf0000004, 0xfffff000);
    bar(card, 2, 0x00000012, 0xffffffff);
    bar(card, 3, 0x0000c101, 0x0000ffc0); // only 16 bits of address
    card->config[PCI_INTERRUPT_LINE] = 11;
    card->config[PCI_INTERRUPT_PIN] = 1;
    assert_int_equal(enumerate(), 5);
    assert_int_equal(found[2].bars[4].address, 0xc040);
    assert_int_equal(found[2].bars[4].length, 16);
    assert_true(found[2].bars[4].ports);
    const struct pci_function *nic = &found[4];
    assert_int_equal(nic->location, pci_location(0, 4, 2, 0));
    assert_int_equal(nic->bars[0].address, 0xfebc0000);
    assert_int_equal(nic->bars[0].length, 0x20000);
    assert_true(nic->bars[0].prefetchable);
    assert_int_equal(nic->bars[1].address, UINT64_C(0x12f0000000));
    assert_int_equal(nic->bars[1].length, 4096);
    assert_int_equal(nic->bars[2].length, 0);
    assert_int_equal(nic->bars[3].length, 64);
    assert_int_equal(nic->interrupt_line, 11);
    assert_int_equal(decoding_while_sized, 0);
    assert_int_equal(card->config[PCI_COMMAND], 7); // decodes again
    uint32_t restored;
    memcpy(&restored, card->config + PCI_BAR_FIRST, 4);
    assert_int_equal(restored, 0xfebc0008);
}

static void test_bridge_loops(void **state) {
    (void)state;
    bridge(0, 1, 0); // to its own bus
    bridge(0, 2, 3);
    bridge(3, 0, 5);
    bridge(5, 0, 3); // back up
    bridge(5, 1, 255);
    bridge(255, 31, 5);
    assert_int_equal(enumerate(), 6);
}

static void test_dropped(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        add(0, i, 0, 0x1111, 0);
    uint32_t dropped;
    assert_int_equal(pci_enumerate(&access_model, 0, 0, 255, found, 4, &dropped), 4);
    assert_int_equal(dropped, 6);
}

static void capability(struct model_function *function, uint8_t at, uint8_t id, uint8_t next) {
    function->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
    function->config[at] = id;
    function->config[at + 1] = next;
}

static void test_messages(void **state) {
    (void)state;
    struct model_function *function = add(0, 3, 0, 0x8086, 0x020000);
    function->config[PCI_CAPABILITIES] = 0x40;
    capability(function, 0x40, 0x01, 0x50);
    capability(function, 0x50, PCI_CAPABILITY_MSI, 0x80);
    function->config[0x52] = PCI_MSI_64_BITS | 0x34;       // asks for more vectors
    capability(function, 0x80, PCI_CAPABILITY_MSIX, 0x40); // the list is a ring
    function->config[0x82] = 3;
    function->config[0x84] = 0x08; // in BAR 0, at 8
    bar(function, 0, 0xfeb00000, 0xfffff000);
    assert_int_equal(enumerate(), 1);
    assert_int_equal(found[0].msi, 0x50);
    assert_int_equal(found[0].msix, 0x80);
    assert_int_equal(pci_capability_find(&access_model, found[0].location, 0x77), 0);
    assert_int_equal(pci_message_enable(&access_model, &found[0], UINT64_C(0xfee00000), 0x41), ERR_OK);
    uint32_t address, data = 0;
    memcpy(&address, function->config + 0x54, 4);
    memcpy(&data, function->config + 0x5c, 2);
    assert_int_equal(address, 0xfee00000);
    assert_int_equal(data, 0x41);
    assert_int_equal(function->config[0x52] & 0x71, 1); // on, one vector
    assert_int_equal(function->config[PCI_COMMAND + 1] & 4, 4);
    uint32_t index, offset, entries, entry[4 * 4] = {0};
    assert_int_equal(pci_message_table(&access_model, &found[0], &index, &offset, &entries), ERR_OK);
    assert_int_equal(offset, 8);
    assert_int_equal(entries, 4);
    pci_message_table_enable(&access_model, &found[0], entry, entries, UINT64_C(0x1fee00000), 0x42);
    assert_int_equal(entry[0], 0xfee00000);
    assert_int_equal(entry[1], 1);
    assert_int_equal(entry[3], 0);
    assert_int_equal(entry[7] & entry[11] & entry[15], 1);
    pci_message_disable(&access_model, &found[0]);
    assert_int_equal(function->config[0x52] & 1, 0);
    assert_int_equal(function->config[0x83] & 0x80, 0);
    found[0].bars[0].length = 64; // the table no longer fits
    assert_int_equal(pci_message_table(&access_model, &found[0], &index, &offset, &entries), ERR_NOT_SUPPORTED);
}

static uint32_t random_read(void *context, uint32_t location, uint32_t offset, uint32_t width) {
    (void)context;
    (void)location;
    assert_true(offset % width == 0 && offset + width <= 256);
    uint32_t value = (uint32_t)rand() << 16 ^ (uint32_t)rand();
    static const uint32_t odd[] = {0, 0xffffffff, 0x80, 0x81, 1, 0x00010001, 0xfffffff0};
    if (rand() % 3 == 0)
        value = odd[rand() % 7];
    return value & UINT32_MAX >> (32 - width * 8);
}

static void random_write(void *context, uint32_t location, uint32_t offset, uint32_t width, uint32_t value) {
    (void)context;
    (void)location;
    (void)value;
    assert_true(offset % width == 0 && offset + width <= 256);
}

static void test_random(void **state) {
    (void)state;
    static const struct pci_access noise = {random_read, random_write, NULL};
    srand(11);
    for (uint32_t round = 0; round < 4; round++) {
        uint32_t dropped, bars, offset, entries;
        uint32_t count = pci_enumerate(&noise, 0, 0, 255, found, CAPACITY, &dropped);
        assert_true(count <= CAPACITY);
        for (uint32_t i = 0; i < count * 100; i++) {
            struct pci_function *function = &found[i % count];
            pci_bars_read(&noise, function);
            for (uint32_t b = 0; b < PCI_BARS; b++) {
                uint64_t length = function->bars[b].length;
                assert_true((length & (length - 1)) == 0);
                assert_true(function->bars[b].address <= UINT64_MAX - length);
            }
            function->msi = (uint8_t)(rand() & 0xfc);
            function->msix = (uint8_t)(rand() & 0xfc);
            error_t ignored = pci_message_enable(&noise, function, (uint64_t)rand() << 8, 7);
            (void)ignored;
            if (pci_message_table(&noise, function, &bars, &offset, &entries) == ERR_OK)
                assert_true(offset + (uint64_t)entries * 16 <= function->bars[bars].length);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_machine, setup), cmocka_unit_test_setup(test_bridge_loops, setup),
        cmocka_unit_test_setup(test_dropped, setup), cmocka_unit_test_setup(test_messages, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
