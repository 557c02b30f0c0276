// The kernel object: information, log, random numbers, processes, rights; and buffers that can't be reached.
#include "tests/kernel/harness.h"

#include "libipc/protocols/kernel.h"

static void test_information(void) {
    struct kernel_information before = {0}, after = {0};
    check_error(kernel_information(SLOT_KERNEL, &before), ERR_OK, "information");
    check(before.total_bytes > 32 << 20 && before.free_bytes < before.total_bytes && before.cpus == 1 && before.kernel_bytes,
          "of memory and processors");
    check(before.processes == 1 && before.threads == 1, "counts this process and thread");
    cap_t process = 0;
    must(account_create_process(SLOT_ACCOUNT, &process), "a process");
    sleep_for(2 * MILLISECOND);
    must(kernel_information(SLOT_KERNEL, &after), "information");
    check(after.processes == 2 && after.messages > before.messages && after.interrupts > before.interrupts &&
              after.idle_time > before.idle_time && after.free_bytes < before.free_bytes,
          "and what happens");
    uint64_t serial = 0;
    cap_t found = 0;
    check_error(kernel_next_process(SLOT_KERNEL, 0, &serial, &found), ERR_OK, "processes are enumerated");
    slot_release(found);
    check_error(kernel_next_process(SLOT_KERNEL, serial, &serial, &found), ERR_OK, "one after the other");
    struct process_information information = {0};
    check_error(process_information(found, &information), ERR_OK, "to look at");
    check_value(information.serial, serial, "by serial");
    check_error(process_destroy(found), ERR_RIGHTS, "and not to change");
    slot_release(found);
    check_error(kernel_next_process(SLOT_KERNEL, serial, &serial, &found), ERR_NOT_FOUND, "to the end");
    must(process_destroy(process), "destroying");
    slot_release(process);
    uint64_t count = 0;
    check_error(kernel_interrupt_count(SLOT_KERNEL, 5000, &count), ERR_NOT_FOUND, "a line that nobody uses has no count");
    struct framebuffer screen = {0};
    check_error(kernel_framebuffer(SLOT_KERNEL, &screen), ERR_OK, "the screen is described");
}

static void test_log(void) {
    char text[300];
    uint64_t next = 0, count = 0, level = 0, time = 0, sequence = 0;
    while (kernel_log_read(SLOT_KERNEL, sequence, text, sizeof(text), &next, &count, &level, &time) == ERR_OK)
        sequence = next;
    check_error(kernel_log_write(SLOT_KERNEL, 4, "a test %s %n", 12), ERR_OK, "a record is written");
    check_error(kernel_log_read(SLOT_KERNEL, sequence, text, sizeof(text), &next, &count, &level, &time), ERR_OK, "and read");
    check(count == 12 && memcmp(text, "a test %s %n", 12) == 0 && level == 4 && time > 0 && next == sequence + 1,
          "as it was, formats untouched");
    check_error(kernel_log_read(SLOT_KERNEL, sequence, text, 3, &next, &count, &level, &time), ERR_OK, "into a short buffer");
    check_value(count, 3, "it is cut");
    check_error(kernel_log_write(SLOT_KERNEL, 0, "x", 1), ERR_INVALID, "level 0 is refused");
    check_error(kernel_log_write(SLOT_KERNEL, 5, "x", 1), ERR_INVALID, "level 5 is refused");
    check_error(kernel_log_write(SLOT_KERNEL, 4, (const void *)0xffff800000000000, 10), ERR_FAULT,
                "text of the kernel's is refused");
    check_error(kernel_log_write(SLOT_KERNEL, 4, (const void *)8, 10), ERR_FAULT, "text at no address is refused");
    check_error(kernel_log_read(SLOT_KERNEL, sequence, (void *)8, 10, &next, &count, &level, &time), ERR_FAULT,
                "a buffer at no address is refused");
    check_error(kernel_log_read(SLOT_KERNEL, sequence, (void *)(uintptr_t)code_return, 10, &next, &count, &level, &time),
                ERR_FAULT, "a buffer in code is refused");
    check_error(kernel_command_line(SLOT_KERNEL, text, sizeof(text), &count), ERR_OK, "the command line");
    text[count < sizeof(text) ? count : 0] = 0;
    check(strstr(text, "init=sbin/kernel-tests") != NULL, "is what was given");
    check_error(kernel_log_read(SLOT_KERNEL, UINT64_MAX, text, sizeof(text), &next, &count, &level, &time), ERR_NOT_FOUND,
                "a record of the future is not there");
}

static void test_rights(void) {
    cap_t weak = 0, cap;
    uint64_t words[6], count;
    char text[16];
    struct kernel_information information;
    must(slot_duplicate(SLOT_KERNEL, RIGHT_COPY, &weak), "a weak capability");
    check_error(kernel_random(weak, words, words, words, words, words, words), ERR_RIGHTS, "random needs RANDOM");
    check_error(kernel_information(weak, &information), ERR_RIGHTS, "information needs INSPECT");
    check_error(kernel_log_write(weak, 4, "x", 1), ERR_RIGHTS, "log_write needs CONTROL");
    check_error(kernel_power(weak, POWER_ACTION_OFF), ERR_RIGHTS, "power needs POWER");
    check_error(kernel_device_memory(weak, 0xfee00000, PAGE, 0, &cap), ERR_RIGHTS, "device_memory needs MINT");
    check_error(kernel_set_wall_offset(weak, 0), ERR_RIGHTS, "set_wall_offset needs CONTROL");
    check_error(kernel_release_console(weak, 0), ERR_RIGHTS, "release_console needs CONTROL");
    check_error(kernel_command_line(weak, text, 16, &count), ERR_RIGHTS, "command_line needs INSPECT");
    check_error(kernel_next_process(weak, 0, &count, &cap), ERR_RIGHTS, "next_process needs INSPECT");
    slot_release(weak);
    check_error(kernel_power(SLOT_KERNEL, 77), ERR_NOT_SUPPORTED, "an unknown action does nothing");
    uint64_t first[6], second[6];
    check_error(kernel_random(SLOT_KERNEL, &first[0], &first[1], &first[2], &first[3], &first[4], &first[5]), ERR_OK,
                "random numbers");
    must(kernel_random(SLOT_KERNEL, &second[0], &second[1], &second[2], &second[3], &second[4], &second[5]), "random numbers");
    bool differ = true;
    for (int i = 0; i < 6; i++)
        differ = differ && first[i] != second[i] && first[i] != first[(i + 1) % 6];
    check(differ, "differ");
}

static void test_clock(void) {
    uint64_t wall = clock_wall(), now = clock_monotonic();
    check(wall > UINT64_C(1600000000000000000) && now > 0, "the clock page tells wall and monotonic time");
    check(clock_monotonic() >= now, "which does not go back");
    check_error(kernel_set_wall_offset(SLOT_KERNEL, UINT64_C(1000000000000000000)), ERR_OK, "the wall clock is set");
    uint64_t set = clock_wall() - clock_monotonic();
    check(set > UINT64_C(999999999000000000) && set < UINT64_C(1000000001000000000), "and read");
    must(kernel_set_wall_offset(SLOT_KERNEL, wall - now), "setting it back");
    uint64_t moved;
    check_error(process_poke(SLOT_SELF, (uint64_t)ipc_clock_page, "x", 1, &moved), ERR_FAULT, "the clock page can't be written");
}

void test_kernel(void) {
    test_information();
    test_log();
    test_rights();
    test_clock();
}
