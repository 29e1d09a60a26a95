import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.ensemble.expressions import event_of

T2M = xr.DataArray([270.0, 275.0, 272.0, np.nan], dims="member", name="t2m")
TP24 = xr.DataArray([0.0, 8.0, 9.0, 9.0], dims="member", name="tp24")
FIELDS = xr.Dataset({"t2m": T2M, "tp24": TP24})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t2m < 273.15", [1, 0, 1, np.nan]),
        ("tp24>=8", [0, 1, 1, 1]),
        ("t2m < 273.15 and tp24 > 5", [0, 0, 1, np.nan]),
        ("t2m < 273.15 or tp24 > 5", [1, 1, 1, np.nan]),
        ("tp24 > 8.5 or t2m > 271 and t2m < 273", [0, 0, 1, np.nan]),
        ("tp24 <= 1e1 and tp24 > -.5", [1, 1, 1, 1]),
    ],
)
def test_comparisons_of_members(text, expected):
    np.testing.assert_array_equal(event_of(FIELDS, text), expected)


def test_one_field_needs_no_name():
    np.testing.assert_array_equal(event_of(TP24, "> 8"), event_of(TP24, "tp24 > 8"))
    np.testing.assert_array_equal(event_of(FIELDS[["tp24"]], "> 8"), [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t2m", "expected a comparison such as 't2m < 273.15', found 't2m'"),
        ("", "expected a comparison"),
        ("t2m = 3", "expected a comparison"),
        ("t2m < 3 and", "expected a comparison"),
        ("t2m < warm", "expected a number after '<', found 'warm'"),
        ("t2m < nan", "expected a finite number"),
        ("t2 < 3", r"expected one of t2m, tp24, found 't2' \(did you mean 't2m'\?\)"),
        ("< 3", "expected the name of one of t2m, tp24 before the comparison, found none"),
    ],
)
def test_other_texts_are_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        event_of(FIELDS, text)
