"""Contradictory diffusion and sampler sections are refused; added keys at their defaults change no identity."""

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("sampler", {"kind": "dpmpp-2m", "churn": 1.0}, "expected churn with one of"),
        ("sampler", {"levels": [3.0, 5.0], "sampling_steps": 2}, "expected levels that descend, found [3.0, 5.0]"),
        ("sampler", {"levels": [3.0], "sampling_steps": 2}, "expected sampling_steps 1, as many as levels, found 2"),
        ("sampler", {"sigma_min": 90.0}, "expected sigma_min below sigma_max, found 90 and 80"),
        ("diffusion", {"sigma_max": 0.01}, "expected sigma_min below sigma_max"),
        ("diffusion", {"path": "vp"}, "diffusion.path: Input should be 'edm', 'flow'"),
    ],
)
def test_faults_are_named(section, values, message, system):
    content = system.model_dump(mode="json")
    content[section] |= values
    with pytest.raises(ConfigurationError) as caught:
        parse_system(content, origin="system file x.toml")
    assert message in str(caught.value)


def test_added_keys_at_their_defaults_change_no_identity(system):
    """Golden values of the first release: if these fail, its members can no longer be reproduced."""
    assert system.identity_hash().startswith("5f4936091d91")
    moved = [
        {"schedule": "flow"},
        {"levels": (80.0, 2.0, 0.1)},
        {"churn": 0.1},
        {"churn": 0.1, "churn_sigma_max": 50.0},
        {"churn": 0.1, "churn_sigma_min": 0.5},
    ]
    hashes = {system.changed(sampler=system.sampler.changed(**values)).identity_hash() for values in ({}, *moved)}
    assert len(hashes) == 1 + len(moved)
