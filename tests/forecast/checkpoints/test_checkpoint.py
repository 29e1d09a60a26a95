"""A checkpoint in memory: the networks that members alternate between."""

from copy import deepcopy
from dataclasses import replace

import pytest

from data_catalog.errors import ConfigurationError


@pytest.fixture
def two(checkpoint):
    return replace(checkpoint, models=(checkpoint.model, deepcopy(checkpoint.model)))


def test_members_alternate_between_networks_and_keep_the_common_identity(two):
    for member in range(5):
        alone = two.of_member(member)
        assert alone.model is two.models[member % 2]
        assert alone.model_id == two.model_id


def test_model_refuses_several_networks(checkpoint, two):
    assert checkpoint.model is checkpoint.models[0]
    with pytest.raises(ConfigurationError, match=r"expected one with a single network, found 2"):
        _ = two.model
