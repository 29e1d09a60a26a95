import pytest

from data_catalog.suggestions import did_you_mean

KNOWN = ("speedy-5p6", "ncep-natlantic", "ncep-northamerica", "Z500")


@pytest.mark.parametrize(
    ("found", "meant"),
    [("speedy5p6", "speedy-5p6"), ("ncep-natlantik", "ncep-natlantic"), ("z50", "Z500"), ("SPEEDY-5P6", "speedy-5p6")],
)
def test_a_name_that_is_nearly_known(found, meant):
    assert did_you_mean(found, KNOWN) == f" (did you mean '{meant}'?)"


@pytest.mark.parametrize("found", ["", "weather", "x"])
def test_nothing_is_like_it(found):
    assert did_you_mean(found, KNOWN) == ""
