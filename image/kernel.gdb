# Finds where the kernel has put itself (a new address at each boot) and gives its symbols that address. For gdb, from the root
# of the tree, after image/run --gdb: gdb build/kernel/kernel -ex 'target remote :1234' -x image/kernel.gdb
# Under BIOS the loader puts the kernel at 2 MiB; boot_switch gets the distance to its virtual addresses in rsi.
set confirm off
hbreak *(0x200000 + (long) &boot_switch)
continue
delete
eval "symbol-file -o %lu build/kernel/kernel", 0x200000 + $rsi
