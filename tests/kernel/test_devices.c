// Ports and interrupts: derive, read and write by method and by instruction, what is refused; irq objects on the keyboard
// controller's line, bound, acknowledged, shared, inherited by a new holder.
#include "tests/kernel/harness.h"

#include "libipc/protocols/ioport.h"
#include "libipc/protocols/irq.h"

enum { POST_PORT = 0x80, KEYBOARD_LINE = 1, KEYBOARD_DATA = 0x60, KEYBOARD_STATUS = 0x64 };

static void test_ports(void) {
    cap_t ports = 0, part = 0, weak = 0;
    uint64_t value = 0;
    check_error(ioport_derive(BOOT_SLOT_IOPORT, 0x70, 0x20, &ports), ERR_OK, "a range of ports");
    check_error(ioport_derive(ports, 0x80, 4, &part), ERR_OK, "a part of it");
    check_error(ioport_derive(ports, 0x8f, 2, &weak), ERR_INVALID, "not past its end");
    check_error(ioport_derive(ports, 0x6f, 2, &weak), ERR_INVALID, "nor before it");
    check_error(ioport_derive(ports, 0x80, 0, &weak), ERR_INVALID, "nor nothing");
    check_error(ioport_derive(ports, 0x80, UINT64_MAX, &weak), ERR_INVALID, "nor everything");
    check_error(ioport_write(part, POST_PORT, 1, 0x5a), ERR_OK, "writing a port");
    check_error(ioport_read(part, POST_PORT, 1, &value), ERR_OK, "reading it");
    check_error(ioport_read(part, 0x84, 1, &value), ERR_INVALID, "a port past the range");
    check_error(ioport_read(part, 0x7f, 1, &value), ERR_INVALID, "or before it");
    check_error(ioport_read(part, 0x83, 2, &value), ERR_INVALID, "or half past it");
    check_error(ioport_read(part, 0x80, 3, &value), ERR_INVALID, "three bytes");
    check_error(ioport_read(part, UINT64_C(1) << 32 | 0x80, 1, &value), ERR_INVALID, "a port of 33 bits");
    must(slot_duplicate(part, RIGHT_READ | RIGHT_COPY, &weak), "a weak range");
    check_error(ioport_write(weak, POST_PORT, 1, 0), ERR_RIGHTS, "writing without WRITE");
    check_error(process_attach_ports(SLOT_SELF, weak), ERR_RIGHTS, "nor is it had by attaching");
    slot_release(weak);
    must(slot_duplicate(part, RIGHT_WRITE | RIGHT_COPY, &weak), "another");
    check_error(ioport_read(weak, POST_PORT, 1, &value), ERR_RIGHTS, "reading without READ");
    slot_release(weak);
    must(process_slot_revoke(SLOT_SELF, ports), "revoking");
    check_error(ioport_read(part, POST_PORT, 1, &value), ERR_BAD_CAPABILITY, "revoking the range takes the part");
    slot_give_back(part);
    slot_release(ports);
}

static void uses_ports(struct actor *actor) {
    uint8_t byte;
    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"((uint16_t)actor->arguments[0]));
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"((uint16_t)actor->arguments[0]));
    actor->values[0] = 1;
    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"((uint16_t)actor->arguments[1]));
    actor->values[1] = 1;
}

static void test_instructions(void) {
    cap_t ports = 0;
    must(ioport_derive(BOOT_SLOT_IOPORT, 0x80, 2, &ports), "ports");
    struct actor *actor = actor_new_process(uses_ports, ACTOR_PRIORITY, SLOT_ACCOUNT);
    check_error(process_attach_ports(actor->process, ports), ERR_OK, "ports are attached to a process");
    error_t error = ERR_OK;
    for (int i = 0; i < 20 && !error; i++)
        error = process_attach_ports(actor->process, ports);
    check_error(error, ERR_OK, "as often as it likes");
    actor->arguments[0] = 0x81;
    actor->arguments[1] = 0x82;
    actor_go(actor);
    check_value(actor->values[0], 1, "it uses them by in and out");
    check(actor->values[1] == 0 && actor_state(actor) == THREAD_STATE_STOPPED, "and no other");
    actor_free(actor);
    actor = actor_new_process(uses_ports, ACTOR_PRIORITY, SLOT_ACCOUNT);
    actor->arguments[0] = 0x81;
    actor_go(actor);
    check_value(actor->values[0], 0, "another process does not");
    actor_free(actor);
    cap_t others[9];
    actor = actor_new_process(uses_ports, ACTOR_PRIORITY, SLOT_ACCOUNT);
    error = ERR_OK;
    for (uint64_t i = 0; i < 9; i++) {
        must(ioport_derive(BOOT_SLOT_IOPORT, 0x300 + 2 * i, 1, &others[i]), "ports");
        error = process_attach_ports(actor->process, others[i]);
        check_error(error, i < 8 ? ERR_OK : ERR_NO_MEMORY, "up to eight ranges are attached");
    }
    check_error(process_attach_ports(actor->process, SLOT_ACCOUNT), ERR_WRONG_KIND, "an account has no ports");
    actor_free(actor);
    for (int i = 0; i < 9; i++)
        slot_release(others[i]);
    slot_release(ports);
}

// Makes the keyboard controller raise line 1: command 0xd2 puts a byte into its output buffer, as if from the keyboard.
static void press(cap_t ports) {
    must(ioport_write(ports, KEYBOARD_STATUS, 1, 0xd2), "the controller's command");
    must(ioport_write(ports, KEYBOARD_DATA, 1, 0x1c), "its byte");
}

static uint64_t release(cap_t ports) {
    uint64_t value = 0;
    must(ioport_read(ports, KEYBOARD_DATA, 1, &value), "its data");
    return value;
}

static uint64_t take(cap_t notification) {
    uint64_t bits = 0;
    sleep_for(MILLISECOND);
    must(notification_poll(notification, &bits), "polling");
    return bits;
}

static void test_interrupts(void) {
    cap_t ports = 0, irq = 0, other = 0, notification = new_notification(), second = new_notification();
    uint64_t line = 0, count = 0;
    must(ioport_derive(BOOT_SLOT_IOPORT, 0x60, 5, &ports), "the controller's ports");
    must(ioport_write(ports, KEYBOARD_STATUS, 1, 0x60), "command: write the command byte");
    must(ioport_write(ports, KEYBOARD_DATA, 1, 0x41), "interrupts on");
    (void)release(ports);
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 0, &irq), ERR_OK, "an interrupt line");
    check_error(irq_create_line(irq, KEYBOARD_LINE, 0, &other), ERR_RIGHTS, "an irq object makes no others");
    check_error(irq_create_line(BOOT_SLOT_IRQ, 5000, 0, &other), ERR_INVALID, "a line that does not exist");
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 4, &other), ERR_INVALID, "an unknown flag");
    check_error(irq_bind(BOOT_SLOT_IRQ, 1, notification), ERR_WRONG_KIND, "the right to make them can't be bound");
    check_error(irq_bind(irq, 1, BOOT_SLOT_IRQ), ERR_WRONG_KIND, "nor bound to");
    press(ports);
    check_value(take(notification), 0, "an irq that is not bound is silent");
    check_error(irq_bind(irq, 4, notification), ERR_OK, "binding it");
    (void)release(ports);
    (void)take(notification);
    must(irq_acknowledge(irq), "acknowledging");
    press(ports);
    check_value(take(notification), 4, "an interrupt sets its bits");
    must(irq_information(irq, &line, &count), "information");
    uint64_t seen = count;
    check(line == KEYBOARD_LINE && count >= 1, "and is counted");
    check_value(release(ports), 0x1c, "the device is read");
    press(ports);
    check_value(take(notification), 0, "the next waits for the acknowledgement");
    check_error(irq_acknowledge(irq), ERR_OK, "which");
    check_value(take(notification), 4, "lets it come");
    (void)release(ports);
    check_error(irq_bind(irq, 8, second), ERR_OK, "a new holder binds it without having acknowledged");
    check_value(take(second), 8, "and is told that one is pending");
    must(irq_acknowledge(irq), "acknowledging");
    must(irq_acknowledge(irq), "acknowledging twice");
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 0, &other), ERR_OK, "a second object on the line");
    check_error(irq_bind(other, 1, notification), ERR_OK, "bound as well");
    press(ports);
    check(take(notification) == 1 && take(second) == 8, "an interrupt goes to both");
    (void)release(ports);
    must(irq_acknowledge(irq), "acknowledging");
    press(ports);
    check(take(notification) == 0 && take(second) == 0, "the next waits for both");
    slot_release(other);
    check(take(second) == 8, "one that dies is counted out");
    (void)release(ports);
    must(irq_acknowledge(irq), "acknowledging");
    must(irq_information(irq, &line, &count), "information");
    check_value(count - seen, 3, "interrupts are counted one by one");
    slot_release(notification);
    slot_release(second);
    press(ports);
    (void)take(sleep_until(1) == ERR_DEADLINE ? (notification = new_notification()) : 0);
    check(true, "an irq outlives its notification's capabilities");
    (void)release(ports);
    slot_release(irq);
    slot_release(notification);
    uint64_t address = 0, data = 0;
    check_error(irq_create_message(BOOT_SLOT_IRQ, &address, &data, &irq), ERR_OK, "a message-signalled interrupt");
    check(address >> 20 == 0xfee && data >= 32 && data < 256, "has an address and a vector");
    slot_release(irq);
    cap_t many[260];
    int made = 0;
    error_t error = ERR_OK;
    while (made < 260 && !(error = irq_create_message(BOOT_SLOT_IRQ, &address, &data, &many[made])))
        made++;
    check_error(error, ERR_NO_SPACE, "vectors run out");
    while (made > 0)
        slot_release(many[--made]);
    slot_release(ports);
}

void test_devices(void) {
    test_ports();
    test_instructions();
    test_interrupts();
}
