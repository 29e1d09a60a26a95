"""An error about an argument becomes an error about the key that it comes from."""

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.system.faults import faults_of_section


def test_the_key_is_named_after_system_and_section():
    with (
        pytest.raises(ConfigurationError, match=r"^system tiny: network\.window: expected 4, found 5$"),
        faults_of_section("tiny", "network"),
    ):
        raise ValueError("window: expected 4, found 5")


def test_other_faults_stay_what_they_are():
    with pytest.raises(InvalidDataError, match=r"^z500: missing$"), faults_of_section("tiny", "network"):
        raise InvalidDataError("z500: missing")
