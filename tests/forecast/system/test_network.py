"""Each kind of network has keys of its own, and a wrong one is named."""

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system

TRANSFORMER = {"kind": "dit", "patch": 2, "width": 16, "depth": 1, "heads": 2}


def test_each_kind_of_network_has_keys_of_its_own(system):
    assert parse_system(content(system, network=TRANSFORMER | {"window": [4, 4]}), origin="x").network.window == (4, 4)
    assert parse_system(content(system, network={"patch": 2}), origin="x").network.kind == "unet"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (TRANSFORMER | {"widths": [8]}, "unknown key 'network.widths'"),
        ({"depth": 3}, "unknown key 'network.depth'"),
        (TRANSFORMER | {"patch": 3}, "network.patch: "),
        (TRANSFORMER | {"width": 18}, "network: expected a width divisible by 4 times the heads (8), found 18"),
        ({"kind": "mamba"}, "network: Input tag 'mamba' found"),
    ],
)
def test_a_wrong_network_is_named(system, network, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_system(content(system, network=network), origin="x")
    assert message in str(caught.value)


def content(system, **changes):
    return system.model_dump(mode="json") | changes
