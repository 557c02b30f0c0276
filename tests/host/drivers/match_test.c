// The manifest's rules: which arguments are understood, and which devices they give to which role.
#include "tests/host/cmocka_test.h"

#include <string.h>

#include "libipc/include/startup.h"
#include "servers/devices/state.h"

struct devices devices;

static int setup(void **state) {
    (void)state;
    devices.rule_count = 0;
    return 0;
}

static const char *role_of(struct device_information information) {
    const struct match_rule *rule = match_device(&information);
    return rule != NULL ? rule->role : "";
}

static void test_rules(void **state) {
    (void)state;
    assert_int_equal(match_add("match=special:id=8086:7010"), ERR_OK);
    assert_int_equal(match_add("match=ata:class=0101"), ERR_OK);
    assert_int_equal(match_add("match=ahci:class=010601"), ERR_OK);
    assert_int_equal(match_add("match=display:class=03"), ERR_OK);
    assert_int_equal(match_add("match=keyboard:platform=ps2"), ERR_OK);
    struct device_information ide = {
        .bus = BUS_KIND_PCI, .vendor = 0x8086, .device = 0x7111, .class = 1, .subclass = 1, .interface = 0x80};
    assert_string_equal(role_of(ide), "ata");
    ide.device = 0x7010;
    assert_string_equal(role_of(ide), "special");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PCI, .class = 1, .subclass = 6, .interface = 1}),
                        "ahci");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PCI, .class = 1, .subclass = 6}), "");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PCI, .class = 3, .subclass = 0x80}), "display");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PLATFORM, .name = "ps2"}), "keyboard");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PLATFORM, .name = "ps"}), "");
    assert_string_equal(role_of((struct device_information){.bus = BUS_KIND_PLATFORM, .name = "ps22"}), "");
    char role[ROLE_NAME_BYTES];
    assert_true(match_role(startup_badge("keyboard"), role));
    assert_string_equal(role, "keyboard");
    assert_false(match_role(startup_badge("mouse"), role));
    assert_false(match_role(0, role));
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "match",
                                      "match=",
                                      "match=ata",
                                      "match=ata:",
                                      "match=:class=01",
                                      "match=ata:class=",
                                      "match=ata:class=0",
                                      "match=ata:class=01010101",
                                      "match=ata:class=01x1",
                                      "match=ata:id=8086",
                                      "match=ata:id=8086:70",
                                      "match=ata:id=8086:70100",
                                      "match=ata:platform=",
                                      "match=a-role-with-a-very-long-name:class=01",
                                      "match=ata:platform=a-very-long-device-name"};
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(match_add(bad[i]), ERR_INVALID);
    assert_int_equal(devices.rule_count, 0);
    for (uint32_t i = 0; i < ROLES_MOST; i++)
        assert_int_equal(match_add("match=ata:class=0101"), ERR_OK);
    assert_int_equal(match_add("match=ata:class=0101"), ERR_NO_SPACE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_rules, setup), cmocka_unit_test_setup(test_refused, setup)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
