"""Which forecasts of a centre can be asked for."""

import numpy as np
import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError
from data_catalog.sources.forecasts import ENSEMBLES, ForecastRequest, open_remote_forecast

START = np.datetime64("2026-05-20T12", "ns")


@pytest.mark.parametrize(
    ("name", "request_", "said"),
    [
        ("speedy-5p6", ForecastRequest(START, (24,), ("t850",)), "which have forecasts, found source 'bundled'"),
        ("gfs-0p25", ForecastRequest(START, (24,), ("t850",), 2), "no --members, as there is no ensemble, found 2"),
        ("gefs-0p5", ForecastRequest(START, (24,), ("t850",), 32), "expected 2 to 31, found 32"),
        ("ifs-0p25", ForecastRequest(START, (24,), ("t850",), 1), "expected 2 to 51, found 1"),
        ("ifs-0p25", ForecastRequest(START, (147,), ("t850",)), "up to 144 h, then every 6 h, found 147 h"),
        ("gfs-0p25", ForecastRequest(START, (121,), ("t850",)), "up to 120 h, then every 3 h, found 121 h"),
        (
            "ifs-0p25",
            ForecastRequest(START, (24,), ("lsm",)),
            "expected fields of a moment or precipitation over some hours, found lsm",
        ),
        (
            "ifs-0p25",
            ForecastRequest(START, (18,), ("tp24",)),
            "tp24: expected lead times of 24 h and more, found 18 h",
        ),
        (
            "ifs-0p25",
            ForecastRequest(START, (150,), ("tp3",)),
            "tp3 at 150 h: expected its 3 h to begin at a lead time every 3 h up to 144 h, .*, found 147 h",
        ),
        ("ifs-0p25", ForecastRequest(START + np.timedelta64(30, "m"), (24,), ("t850",)), "00, 06, 12 or 18 UTC"),
    ],
)
def test_what_there_is_not_is_named_before_anything_is_asked_for(
    name: str, request_: ForecastRequest, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        open_remote_forecast(dataset(name), request_, "http://127.0.0.1:1")


def test_ensembles_have_the_sizes_of_the_centres() -> None:
    assert ENSEMBLES == {"ecmwf-open-data": 51, "gefs": 31}
