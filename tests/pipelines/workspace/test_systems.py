"""Systems by name, and options for their steps."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.workspace.home import Home
from pipelines.workspace.systems import (
    find_system,
    in_steps,
    requested_lead_steps,
    servable_systems,
    system_names,
    systems_to_serve,
)


def test_systems_by_name(tmp_path: Path) -> None:
    simulated, reanalyses = {"speedy-5p6"}, {"erai-sweurope", "ncep-natlantic", "ncep-northamerica"}
    assert simulated | reanalyses | {"era5-0p25", "era5-1p5", "era5-5p6"} == set(system_names())
    for name in system_names():
        assert find_system(name).name == name
    with pytest.raises(ConfigurationError, match="expected one of era5-0p25, era5-1p5, era5-5p6"):
        find_system(str(tmp_path))


def test_a_system_needs_a_checkpoint_and_data_to_be_served(place: Home) -> None:
    assert "speedy-5p6" in servable_systems(place)
    assert "era5-5p6" not in servable_systems(place)


def test_leads_and_steps_as_the_user_names_them(tiny: Path) -> None:
    system = find_system(str(tiny))
    assert requested_lead_steps(system, None) == 3
    assert requested_lead_steps(system, "48h") == 2
    assert in_steps(system, None) == system
    assert in_steps(system, "1d") == system
    with pytest.raises(ConfigurationError, match="12"):
        in_steps(system, "12h")


def test_systems_to_serve(place: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(name, system.name) for name, system in systems_to_serve(place, [str(tiny)])] == [(str(tiny), "tiny")]
    assert [name for name, _ in systems_to_serve(place, None)] == list(servable_systems(place))
    monkeypatch.setattr("pipelines.workspace.systems.servable_systems", lambda home: ())
    with pytest.raises(ConfigurationError, match="expected a system with a checkpoint and data, found none"):
        systems_to_serve(place, [])
