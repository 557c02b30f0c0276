"""image/run's command line and the machine that it makes of it."""
import pytest

from runner import machine, options


def machine_line(*arguments, disks=(("system.img", False),)):
    return machine.command(options.parse(list(arguments)), medium="keelson.iso", disks=list(disks), accelerator="tcg",
                           com1="stdio", com2=None)


def test_arguments_after_dashes_go_to_qemu():
    assert machine_line("--cpus", "2", "--", "-S", "--help")[-2:] == ["-S", "--help"]


@pytest.mark.parametrize("kind, bus", [("pc", "ide"), ("q35", "pata")])
def test_four_ide_units_in_order(kind, bus):
    line = machine_line("--machine", kind, disks=[(f"{n}.img", False) for n in range(4)])
    devices = [word for word in line if word.startswith("ide-hd")]
    assert devices == [f"ide-hd,drive=disk{n},bus={bus}.{n // 2},unit={n % 2}" for n in range(4)]
    assert ("piix3-ide,id=pata" in line) == (kind == "q35")


def test_kernel_options_reach_the_machine():
    line = machine_line("--option", "loglevel=debug", "--option", "a=1,2", "--seed", "7", "-c", "true")
    assert "type=11,value=keelson: loglevel=debug a=1,,2 seed=7 program=/bin/remote" in line


@pytest.mark.parametrize("wrong", [
    ["--timeout", "5"], ["--memory", "lots"], ["--cpus", "0"], ["--machine", "isa"], ["--option", "two words"],
    ["--fresh-disk", "--no-disk"], ["--disk", "a", "--disk", "b", "--disk", "c", "--disk", "d"],
    ["--ram-disk", "--no-disk"],
    ["--nic", "rtl8139"], ["--tap", "t", "--forward", "1:2"], ["--nic", "none", "--tap", "t"], ["--forward", "80"],
    ["--icount", "--capture", "f"], ["--forward", "0:80"],
    ["--icount", "--accel", "kvm"], ["--gdb", "0"], ["stray"]])
def test_mistakes_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as end:
        options.parse(wrong)
    assert end.value.code == 2
    assert "usage: image/run" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, kind, device", [
    ([], "user,id=network", "virtio-net-pci,"), (["--nic", "e1000"], "user,id=network", "e1000,"),
    (["--nic", "e1000e", "--tap", "tap,0"], "tap,id=network,ifname=tap,,0,script=no,downscript=no", "e1000e,")])
def test_network_card(arguments, kind, device):
    line = machine_line(*arguments)
    assert line[line.index("-netdev") + 1] == kind
    assert [word for word in line if "netdev=network" in word and word.startswith(device)]


@pytest.mark.parametrize("arguments", [["--nic", "none"], ["--icount"], ["--seed", "1"]])
def test_no_network_card(arguments):
    assert "-netdev" not in machine_line(*arguments)


def test_capture_is_written_by_qemu():
    assert "filter-dump,id=capture,netdev=network,file=a,,b" in machine_line("--capture", "a,b")
