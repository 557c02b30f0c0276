// /etc/network.conf: what `ip configure` makes of each line, and that each mistake is told with its line.
#include <stdio.h>
#include <string.h>

#include "programs/common/network.h"
#include "programs/ip/configuration.h"
#include "tests/host/cmocka_test.h"

static struct configuration configuration;

static const struct net_setting *at(size_t index) {
    assert_true(index < configuration.count);
    return &configuration.settings[index];
}

static void test_all_settings(void **state) {
    (void)state;
    static const uint8_t v6[16] = {0xfe, 0xc0, [15] = 0x50}, router6[16] = {0xfe, 0x80, [15] = 1};
    static const uint8_t v4[16] = {[10] = 0xff, 0xff, 10, 0, 2, 50}, router[16] = {[10] = 0xff, 0xff, 10, 0, 2, 2};
    assert_true(
        configuration_parse("# all of it\n\ninterface eth0 # the first card\n\taddress 10.0.2.50/24\r\n address fec0::50/64\n"
                            "route default via 10.0.2.2\nroute default via fe80::1 metric 7\nroute 192.168.0.0/16\n"
                            "name-server 10.0.2.2\nautoconfigure off\nmtu 1400\ninterface eth1\ndhcp\ndown",
                            &configuration));
    assert_int_equal(configuration.count, 8);
    assert_string_equal((const char *)at(0)->interface, "eth0");
    assert_int_equal(at(0)->flags, NET_SETTING_FLAG_NO_AUTOCONFIGURE);
    assert_int_equal(at(0)->mtu, 1400);
    assert_int_equal(at(1)->kind, NET_SETTING_KIND_ADDRESS);
    assert_memory_equal(at(1)->address, v4, 16);
    assert_int_equal(at(1)->bits, 24);
    assert_memory_equal(at(2)->address, v6, 16);
    assert_int_equal(at(2)->bits, 64);
    assert_memory_equal(at(3)->gateway, router, 16);
    assert_int_equal(at(3)->bits, 0);
    assert_int_equal(at(3)->address[10], 0xff);
    assert_memory_equal(at(4)->gateway, router6, 16);
    assert_int_equal(at(4)->address[10], 0);
    assert_int_equal(at(4)->metric, 7);
    assert_true(at(5)->bits == 16 && network_is_zero(at(5)->gateway));
    assert_int_equal(at(6)->kind, NET_SETTING_KIND_NAME_SERVER);
    assert_string_equal((const char *)at(7)->interface, "eth1");
    assert_int_equal(at(7)->flags, NET_SETTING_FLAG_DHCP | NET_SETTING_FLAG_DOWN);
    assert_true(configuration_parse("", &configuration) && configuration.count == 0);
}

static void test_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *text, *reason; // part of it
        unsigned line;
    } cases[] = {
        {"dhcp", "`interface NAME` must come before `dhcp`", 1},
        {"interface", "`interface NAME` is wanted", 1},
        {"interface eth0 eth1", "`interface NAME` is wanted", 1},
        {"interface ethernet0", "as long as", 1},
        {"interface eth0\ninterface eth1\n\ninterface eth0", "eth0 was configured above", 4},
        {"interface eth0\naddress", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress 10.0.0.1", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress 10.0.0.1/33", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress 10.0.0.256/24", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress 10.0.0.1/", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress fe80::1/129", "`address ADDRESS/BITS`", 2},
        {"interface eth0\naddress 0.0.0.0/8", "no interface can have", 2},
        {"interface eth0\naddress 224.0.0.1/8", "no interface can have", 2},
        {"interface eth0\naddress ff02::1/8", "no interface can have", 2},
        {"interface eth0\nroute", "`route {PREFIX/BITS", 2},
        {"interface eth0\nroute default via", "`route {PREFIX/BITS", 2},
        {"interface eth0\nroute default via eth1", "no address of a router", 2},
        {"interface eth0\nroute default by 10.0.0.1", "a route has no `by`", 2},
        {"interface eth0\nroute 10.0.0.0/8 via fe80::1", "different families", 2},
        {"interface eth0\nroute 10.0.0.0/8 metric -1", "a metric is a number", 2},
        {"interface eth0\nroute 10.0.0.0/8 metric 65536", "a metric is a number", 2},
        {"interface eth0\nname-server example.org", "`name-server ADDRESS`", 2},
        {"interface eth0\nmtu 575", "`mtu BYTES`", 2},
        {"interface eth0\nmtu 1501", "`mtu BYTES`", 2},
        {"interface eth0\nmtu", "`mtu BYTES`", 2},
        {"interface eth0\nautoconfigure maybe", "`autoconfigure on`", 2},
        {"interface eth0\ndhcp please", "`dhcp` stands alone", 2},
        {"interface eth0\n# fine\ndns 10.0.0.1", "there is no setting `dns`", 3},
        {"interface eth0\na b c d e f g h i", "too many words", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(configuration_parse(cases[i].text, &configuration));
        if (configuration.line != cases[i].line || strstr(configuration.reason, cases[i].reason) == NULL)
            fail_msg("%s: line %u: %s", cases[i].text, configuration.line, configuration.reason);
    }
}

static void test_too_much(void **state) {
    (void)state;
    static char text[65536];
    size_t length = (size_t)sprintf(text, "interface eth0\n");
    for (size_t i = 0; i < CONFIGURATION_SETTINGS_MAX; i++)
        length += (size_t)sprintf(text + length, "address 10.0.%zu.1/24\n", i);
    assert_false(configuration_parse(text, &configuration));
    assert_non_null(strstr(configuration.reason, "more than"));
    assert_int_equal(configuration.line, CONFIGURATION_SETTINGS_MAX + 1);
    memset(text, 'x', 300);
    text[300] = '\0';
    assert_false(configuration_parse(text, &configuration));
    assert_non_null(strstr(configuration.reason, "longer than"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_settings), cmocka_unit_test(test_mistakes),
                                       cmocka_unit_test(test_too_much)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
