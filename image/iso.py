"""Makes the boot medium: a hybrid ISO for BIOS and UEFI, the same bytes from the same inputs.

usage: iso.py GRUB_CORE.CFG GRUB.CFG LOADER KERNEL INITRD OUTPUT.iso [NAME FILE]...

GRUB's core images hold all modules, so that nothing is read from the medium but grub.cfg, the loader, the kernel and the initrd.
The files after the output (a packed .gz is unpacked) lie on the medium for people: nothing loads them. All times, identifiers and the EFI partition's serial number are fixed.
"""
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

GRUB = pathlib.Path("/usr/lib/grub")
EPOCH = "1704067200"  # 2024-01-01 00:00:00 UTC
DATE = "2024010100000000"
COMMON = ["normal", "iso9660", "search", "search_fs_file", "multiboot2", "smbios", "echo", "sleep", "test", "true", "cpuid", "boot"]
BIOS = ["biosdisk", "vbe", "video_bochs", "video_cirrus", "relocator"]
EFI = ["part_gpt", "part_msdos", "fat", "efi_gop", "relocator"]
EFI_KIB = 2048


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def grub_image(form, output, config, modules):
    run("grub-mkimage", "-O", form, "-p", "/boot/grub", "-c", config, "-o", output, *modules)


def efi_partition(path, loader):
    with open(path, "wb") as file:
        file.truncate(EFI_KIB * 1024)
    run("mformat", "-i", path, "-N", "4b45454c", "-v", "KEELSON", "::")
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-i", path, "-m", loader, "::/EFI/BOOT/BOOTX64.EFI")


def iso(tree, efi, output):
    run("xorriso", "-as", "mkisofs", "-quiet", "-graft-points", "-V", "KEELSON", "-r",
        "--modification-date=" + DATE, "--set_all_file_dates", DATE,
        "--grub2-mbr", GRUB / "i386-pc/boot_hybrid.img", "--gpt_disk_guid", "4b45454c-534f-4e00-8000-000000000001",
        "-partition_offset", "16", "-b", "boot/bios.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
        "--grub2-boot-info", "-append_partition", "2", "0xef", efi, "-appended_part_as_gpt",
        "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
        "-o", output, tree, "--", "-volume_date", "uuid", DATE, "-volume_date", "all_file_dates", DATE)


def main(core_config, config, loader, kernel, initrd, output, *pairs):
    os.environ.update(SOURCE_DATE_EPOCH=EPOCH, TZ="UTC", MTOOLS_SKIP_CHECK="1")
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        boot = scratch / "tree/boot"
        boot.mkdir(parents=True)
        run("llvm-objcopy", "--strip-sections", loader, boot / "loader")
        run("llvm-objcopy", "--strip-sections", kernel, boot / "kernel")
        shutil.copyfile(initrd, boot / "initrd")
        shutil.copyfile(config, boot / "grub.cfg")
        for name, source in zip(pairs[::2], pairs[1::2]):
            (scratch / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / "tree" / name).write_bytes((gzip.open if source.endswith(".gz") else open)(source, "rb").read())
        grub_image("i386-pc-eltorito", boot / "bios.img", core_config, COMMON + BIOS)
        grub_image("x86_64-efi", scratch / "loader.efi", core_config, COMMON + EFI)
        for path in [*scratch.rglob("*"), scratch / "loader.efi"]:
            os.utime(path, (int(EPOCH), int(EPOCH)))
        efi_partition(scratch / "efi.img", scratch / "loader.efi")
        iso(scratch / "tree", scratch / "efi.img", pathlib.Path(output).absolute())


main(*sys.argv[1:])
