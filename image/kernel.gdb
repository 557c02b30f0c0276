# Finds where the kernel has put itself (a new address at each boot) and gives its symbols that address. For gdb, from the root
# of the tree, after image/run --gdb: gdb build/kernel/kernel -ex 'target remote :1234' -x image/kernel.gdb
# A kernel that runs already is found by image/keelson.py alone, which is read here as well: it knows processes and threads.
# Under BIOS, GRUB puts the loader at 2 MiB; loader_enter is the last thing that it does, with the kernel's entry in rdx.
set confirm off
symbol-file -o 0x200000 build/boot/loader
hbreak *loader_enter
continue
delete
symbol-file build/kernel/kernel
eval "symbol-file -o %lu build/kernel/kernel", $rdx - (unsigned long) &kernel_entry
source image/keelson.py
