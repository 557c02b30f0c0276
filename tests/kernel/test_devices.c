// Ports and interrupts: derive, use by instruction, what is refused; irq objects on the keyboard
// controller's line, bound, acknowledged, shared, inherited by a new holder.
#include "tests/kernel/harness.h"

#include "drivers/framework/port.h"
#include "libipc/protocols/ioport.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/kernel.h"

enum { KEYBOARD_LINE = 1, KEYBOARD_DATA = 0x60, KEYBOARD_STATUS = 0x64 };

static void test_ports(void) {
    cap_t ports = 0, part = 0, weak = 0;
    check_error(ioport_derive(BOOT_SLOT_IOPORT, 0x70, 0x20, &ports), ERR_OK, "a range of ports");
    check_error(ioport_derive(ports, 0x80, 4, &part), ERR_OK, "a part of it");
    check_error(ioport_derive(ports, 0x8f, 2, &weak), ERR_INVALID, "not past its end");
    check_error(ioport_derive(ports, 0x6f, 2, &weak), ERR_INVALID, "nor before it");
    check_error(ioport_derive(ports, 0x80, 0, &weak), ERR_INVALID, "nor nothing");
    check_error(ioport_derive(ports, 0x80, UINT64_MAX, &weak), ERR_INVALID, "nor everything");
    must(slot_duplicate(part, RIGHT_READ | RIGHT_COPY, &weak), "a weak range");
    check_error(process_attach_ports(SLOT_SELF, weak), ERR_RIGHTS, "attaching without WRITE");
    slot_release(weak);
    must(slot_duplicate(part, RIGHT_WRITE | RIGHT_COPY, &weak), "another");
    check_error(process_attach_ports(SLOT_SELF, weak), ERR_RIGHTS, "attaching without READ");
    slot_release(weak);
    must(process_slot_revoke(SLOT_SELF, ports), "revoking");
    check_error(ioport_derive(part, 0x80, 1, &weak), ERR_BAD_CAPABILITY, "revoking the range takes the part");
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
static void press(void) {
    port_write8(KEYBOARD_STATUS, 0xd2);
    port_write8(KEYBOARD_DATA, 0x1c);
}

static uint64_t release(void) {
    return port_read8(KEYBOARD_DATA);
}

static uint64_t take(cap_t notification) {
    uint64_t bits = 0;
    sleep_for(MILLISECOND);
    must(notification_poll(notification, &bits), "polling");
    return bits;
}

static void test_interrupts(void) {
    cap_t ports = 0, irq = 0, other = 0, notification = new_notification(), second = new_notification();
    uint64_t count = 0, delivered = 0;
    must(ioport_derive(BOOT_SLOT_IOPORT, 0x60, 5, &ports), "the controller's ports");
    must(process_attach_ports(SLOT_SELF, ports), "are attached");
    port_write8(KEYBOARD_STATUS, 0x60); // command: write the command byte
    port_write8(KEYBOARD_DATA, 0x41);   // interrupts on
    (void)release();
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 0, &irq), ERR_OK, "an interrupt line");
    check_error(irq_create_line(irq, KEYBOARD_LINE, 0, &other), ERR_RIGHTS, "an irq object makes no others");
    check_error(irq_create_line(BOOT_SLOT_IRQ, 5000, 0, &other), ERR_INVALID, "a line that does not exist");
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 4, &other), ERR_INVALID, "an unknown flag");
    check_error(irq_bind(BOOT_SLOT_IRQ, 1, notification), ERR_WRONG_KIND, "the right to make them can't be bound");
    check_error(irq_bind(irq, 1, BOOT_SLOT_IRQ), ERR_WRONG_KIND, "nor bound to");
    press();
    check_value(take(notification), 0, "an irq that is not bound is silent");
    check_error(irq_bind(irq, 4, notification), ERR_OK, "binding it");
    (void)release();
    (void)take(notification);
    must(irq_acknowledge(irq, NULL), "acknowledging");
    press();
    check_value(take(notification), 4, "an interrupt sets its bits");
    must(kernel_interrupt_count(SLOT_KERNEL, KEYBOARD_LINE, &count), "counting");
    uint64_t seen = count;
    check(count >= 1, "and is counted");
    check_value(release(), 0x1c, "the device is read");
    press();
    check_value(take(notification), 0, "the next waits for the acknowledgement");
    check_error(irq_acknowledge(irq, NULL), ERR_OK, "which");
    check_value(take(notification), 4, "lets it come");
    (void)release();
    check_error(irq_bind(irq, 8, second), ERR_OK, "a new holder binds it without having acknowledged");
    check_value(take(second), 8, "and is told that one is pending");
    must(irq_acknowledge(irq, &delivered), "acknowledging");
    check_value(delivered, 1, "tells that one was waiting");
    must(irq_acknowledge(irq, &delivered), "acknowledging twice");
    check_value(delivered, 0, "that none was");
    check_error(irq_create_line(BOOT_SLOT_IRQ, KEYBOARD_LINE, 0, &other), ERR_OK, "a second object on the line");
    check_error(irq_bind(other, 1, notification), ERR_OK, "bound as well");
    press();
    check(take(notification) == 1 && take(second) == 8, "an interrupt goes to both");
    (void)release();
    must(irq_acknowledge(irq, NULL), "acknowledging");
    press();
    check(take(notification) == 0 && take(second) == 0, "the next waits for both");
    slot_release(other);
    check(take(second) == 8, "one that dies is counted out");
    (void)release();
    must(irq_acknowledge(irq, NULL), "acknowledging");
    must(kernel_interrupt_count(SLOT_KERNEL, KEYBOARD_LINE, &count), "counting");
    check_value(count - seen, 3, "interrupts are counted one by one");
    slot_release(notification);
    slot_release(second);
    press();
    (void)take(sleep_until(1) == ERR_DEADLINE ? (notification = new_notification()) : 0);
    check(true, "an irq outlives its notification's capabilities");
    (void)release();
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
