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
    ["--icount", "--accel", "kvm"], ["--gdb", "0"], ["stray"]])
def test_mistakes_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as end:
        options.parse(wrong)
    assert end.value.code == 2
    assert "usage: image/run" in capsys.readouterr().err
