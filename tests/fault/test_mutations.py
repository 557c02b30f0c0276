"""A slice of the code mutations (mutations.py). What the mutated server does is its own matter; the kernel, the disk and the judge are tested
here."""
import random

import guest
import mutations
import pytest

COUNT, SESSION, JOBS, FIRST = 1000, 40, 1, 1000000


@pytest.fixture(scope="module", name="template")
def make_template(tmp_path_factory):
    return mutations.Template(tmp_path_factory.mktemp("template"))


def test_slice(template, tmp_path):
    """Mutations of seeds of their own; no server is without one."""
    ledger = tmp_path / "ledger"
    mutations.Run(template, ledger, "slice", FIRST, [], COUNT, None).go(JOBS, SESSION)
    results = [line.split()[2:] for line in ledger.read_text().splitlines()]
    print("\n".join([" ".join(each) for each in results] + mutations.summary([kind for _, kind, *_ in results])))
    assert sum(kind != "absent" for _, kind, *_ in results) >= COUNT and all(kind not in ("panic", "dead") for _, kind, *_ in results)
    damaged = [mutation for mutation, _, *notes in results if {"forced", "unrepaired", "others"} & set(notes)
              and mutations.server_of(mutation) not in mutations.DISK_SERVERS]
    assert not damaged, "damage on the disk"


def test_every_kind_changes_something(template):
    """Each kind finds places in what the workload executes, and the bits to flip lie in the instruction that is changed."""
    for server in mutations.SERVERS:
        for kind in mutations.KINDS:
            _, _, _, bits, count, parts = template.make(f"{server}:{kind}:{random.randrange(1000)}")
            assert 0 < bits < 1 << 8 * count and parts == mutations.SERVERS[server][1]


def test_hang_is_found(template):
    """A server that spins is found and replaced; one that never answers is told from a machine that is gone."""
    program = template.programs["tmpfs"]
    listed = mutations.run_session(template, [f"tmpfs:bits:0=0:{program.code[0].address}:0:1:16"])
    assert [(kind, notes) for _, kind, _, notes in listed] == [("quiet", [])]
    with template.start(guest.pathlib.Path(template.folder, "hang.img")) as machine:
        assert not mutations.wait_for(machine, b"nothing says this", 0.5) and mutations.is_alive(machine)
        machine.monitor("stop")
        assert not mutations.wait_for(machine, b"nothing says this", 0.5)


def test_classes():
    """The judge, on what a workload could have said."""
    said = {("during same 0 whole silent", True): "quiet", ("during same 2 whole silent", True): "recovered", ("during same 0 whole silent", False): "silent",
            ("during differs 0 whole silent", True): "silent", ("during differs 0 whole told", None): "told",
            ("during differs 1 whole silent", True): "told", ("during same 3 lost silent", None): "told"}
    for (line, same_files), kind in said.items():
        assert mutations.classify([line, "after same"], same_files) == kind
    assert mutations.classify(["during same 0 whole silent", "after differs"], True) == "late"
    assert mutations.classify(["during same 0 whole silent"], None) == "late"
    assert mutations.classify([], None) == "hang"


@pytest.mark.parametrize("guilty, blamed", [({"ata:pointer:2"}, ("ata:pointer:2", ["forced", "alone"])), ({"console:bits:3"}, ("console:bits:3", ["forced", "alone"])),
                                            ({"ata:pointer:2", "vfs:loop:1"}, ("ata:pointer:2", ["alone", "forced", "together"])),
                                            ({"vfs:loop:1", "log:bits:4"}, ("log:bits:4", ["alone", "forced"]))])
def test_damage_is_blamed(monkeypatch, guilty, blamed):
    """Damage of a session is noted at the mutation, quiet or not, that does it alone; if none does, at the disk's servers only if it needs them."""
    class Session:
        def __init__(self, _, made):
            names = [each.split("=")[0] for each in made]
            self.results = [(each, "recovered" if each == "console:bits:3" else "quiet", "", []) for each in names]
            self.damage = ["forced"] if guilty <= set(names) else []

    monkeypatch.setattr(mutations, "Session", Session)
    results = mutations.run_session(None, ["vfs:loop:1", "ata:pointer:2", "console:bits:3", "log:bits:4"])
    assert [(mutation, notes) for mutation, _, _, notes in results if "forced" in notes] == [blamed]
