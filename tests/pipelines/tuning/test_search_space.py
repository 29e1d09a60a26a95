"""The keys that a search tries, and the lines that it prints."""

import tomllib
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.tuning.search_space import as_toml, changed_system, chosen_space, to_paste
from pipelines.workspace.systems import find_system


def test_the_space_of_a_sampler_and_of_named_keys(tiny: Path) -> None:
    system = find_system(str(tiny))
    assert {choice.key.split(".")[0] for choice in chosen_space(system, (), sampler_only=True)} == {"sampler"}
    assert [choice.key for choice in chosen_space(system, ("sampler.rho",), sampler_only=False)] == ["sampler.rho"]
    with pytest.raises(ConfigurationError, match=r"--only: expected one of .* found 'sampler\.x'"):
        chosen_space(system, ("sampler.x",), sampler_only=False)


def test_a_choice_holds_the_systems_own_value(tiny: Path) -> None:
    found = find_system(str(tiny))
    system = found.changed(sampler=found.sampler.changed(sampling_steps=5, sigma_max=200.0))
    keys = ("sampler.sampling_steps", "sampler.sigma_max")
    steps, sigma = chosen_space(system, keys, sampler_only=True)
    assert steps.options == (5, 4, 6, 8, 12)
    assert (sigma.low, sigma.high) == (10.0, 200.0)


def test_printed_values_make_the_changed_system(tiny: Path) -> None:
    values = {"diffusion.weight": "min-snr", "sampler.kind": "dpmpp-2m", "sampler.rho": 5.0}
    changed = changed_system(find_system(str(tiny)), values)
    pasted = tomllib.loads(as_toml(values))
    assert pasted["sampler"] == {"kind": changed.sampler.kind, "rho": changed.sampler.rho}
    assert pasted["diffusion"]["weight"] == changed.diffusion.weight == "min-snr"


def test_own_noise_levels_are_kept_until_the_schedule_changes(tiny: Path) -> None:
    found = find_system(str(tiny))
    system = found.changed(sampler=found.sampler.changed(levels=(40.0, 5.0, 0.5), sampling_steps=3))
    assert changed_system(system, {"sampler.rho": system.sampler.rho}).sampler == system.sampler
    assert changed_system(system, {"sampler.rho": system.sampler.rho + 1}).sampler.levels == ()
    pasted = as_toml(to_paste(system, {"sampler.kind": "dpmpp-2m", "sampler.rho": system.sampler.rho + 1}))
    assert tomllib.loads(pasted)["sampler"]["levels"] == []
    assert "levels" not in as_toml(to_paste(system, {"sampler.noise_inflation": 1.1}))
