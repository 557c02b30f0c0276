// lspci: lists the functions on the PCI buses, with the drivers that have them.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/proc.h"
#include "programs/common/program.h"

struct name {
    unsigned code;
    const char *text;
};

// Class and subclass (PCI Code and ID Assignment Specification 1.11, section 1); 0xff as subclass stands for
// the class.
static const struct name classes[] = {
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0106, "SATA controller"},
    {0x0108, "NVMe controller"},
    {0x01ff, "Storage controller"},
    {0x0200, "Ethernet controller"},
    {0x02ff, "Network controller"},
    {0x0300, "VGA controller"},
    {0x03ff, "Display controller"},
    {0x0401, "Audio device"},
    {0x0403, "Audio device"},
    {0x04ff, "Multimedia controller"},
    {0x05ff, "Memory controller"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x06ff, "Bridge"},
    {0x0700, "Serial controller"},
    {0x07ff, "Communication controller"},
    {0x0880, "System peripheral"},
    {0x08ff, "System peripheral"},
    {0x09ff, "Input device"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus"},
    {0x0cff, "Serial bus controller"},
    {0x00ff, "Device"},
};

static const struct name vendors[] = {
    {0x1002, "AMD"},   {0x1013, "Cirrus Logic"}, {0x1022, "AMD"},    {0x10de, "NVIDIA"},         {0x10ec, "Realtek"},
    {0x1234, "QEMU"},  {0x14e4, "Broadcom"},     {0x15ad, "VMware"}, {0x1af4, "Red Hat Virtio"}, {0x1b36, "Red Hat QEMU"},
    {0x8086, "Intel"},
};

static const char *name_find(const struct name *names, size_t count, unsigned code) {
    for (size_t i = 0; i < count; i++) {
        if (names[i].code == code)
            return names[i].text;
    }
    return NULL;
}

static const char *class_name(unsigned class_code) {
    size_t count = sizeof(classes) / sizeof(classes[0]);
    const char *name = name_find(classes, count, class_code >> 8);
    if (!name)
        name = name_find(classes, count, (class_code >> 8) | 0xff);
    return name ? name : "Device";
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-n]", "  -n  numbers instead of names\n");
    bool numeric = false;
    while (program_option("n") != -1)
        numeric = true;
    struct proc_file file;
    struct proc_pci function;
    proc_open(&file, "pci");
    while (proc_pci_next(&file, &function)) {
        const char *vendor = name_find(vendors, sizeof(vendors) / sizeof(vendors[0]), function.vendor);
        printf("%s ", function.address);
        if (numeric)
            printf("%06x: ", function.class_code);
        else
            printf("%s: %s%s", class_name(function.class_code), vendor ? vendor : "", vendor ? " " : "");
        printf("%04x:%04x (rev %02x)", function.vendor, function.device, function.revision);
        if (strcmp(function.irq, "-") != 0)
            printf(" irq %s", function.irq);
        if (strcmp(function.driver, "-") != 0)
            printf(" driver %s", function.driver);
        putchar('\n');
    }
    proc_close(&file);
    return program_end(0);
}
