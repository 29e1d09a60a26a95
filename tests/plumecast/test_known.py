"""Systems and datasets by name."""

import plumecast


def test_systems_and_datasets_can_be_looked_up_and_read() -> None:
    systems, datasets = plumecast.systems(), plumecast.datasets()
    assert systems["speedy-5p6"].state.predictands[0] == "z500"
    assert {system.dataset for system in systems.values()} <= set(datasets)
    assert datasets["speedy-5p6"].simulated
    for known in (systems, datasets):
        lines = repr(known).splitlines()
        assert len(lines) == len(known)
        assert [line.split()[0] for line in lines] == list(known)
        assert all(entry.title in line for entry, line in zip(known.values(), lines, strict=True))
