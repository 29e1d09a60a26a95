"""Conditions are read from text, written back, and refused in one line where they make no sense."""

import pytest

from data_catalog.errors import ConfigurationError
from forecast.control.conditions import Place, check_conditions, conditions_hash, parse_condition


def test_a_point_with_a_threshold() -> None:
    found = parse_condition("msl@64N,22W < 97500 at 72h")
    assert (found.channel, found.relation, found.value, found.error) == ("msl", "<", 97500.0, 0.0)
    assert (found.place, found.lead_hours) == (Place(64, 64, -22, -22), 72)
    assert found.interval == (float("-inf"), 97500.0)


def test_a_box_with_an_observed_mean_and_its_error() -> None:
    found = parse_condition(" z500 @ 40N:50N, 10W:20E = 5.4e4 +- 100 at 2d ")
    assert found.place == Place(40, 50, -10, 20)
    assert (found.value, found.error, found.lead_hours) == (54000.0, 100.0, 48)
    assert not found.place.is_point
    assert found.interval == (54000.0, 54000.0)


def test_a_box_may_cross_the_date_line() -> None:
    assert parse_condition("t2m@10S:10N,170E:170W >= 300 at 24h").place == Place(-10, 10, 170, 190)


@pytest.mark.parametrize(
    "text",
    ["msl@64N,22W < 97500.0 at 72h", "z500@40N:50N,10W:20E = 54000.0 +- 100.0 at 48h", "tp24@0.5S,0E > 3.0 at 24h"],
)
def test_text_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_condition(text)) == text
    assert parse_condition(str(parse_condition(text))) == parse_condition(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("msl < 97500 at 72h", "expected one such as"),
        ("msl@64N,22W < 97500", "expected one such as"),
        ("msl@64N,22W == 97500 at 72h", "expected one such as"),
        ("msl@95N,22W < 97500 at 72h", "expected a place on the globe, found '95N'"),
        ("msl@64E,22W < 97500 at 72h", "expected degrees such as 64N, found '64E'"),
        ("msl@64N < 97500 at 72h", "expected a point such as 64N,22W or a box"),
        ("msl@60N:40N,0E:9E < 97500 at 72h", "expected latitudes from south to north"),
        ("msl@64N,22W = 97500 +- -3 at 72h", "expected an error of at least 0"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        parse_condition(text)


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["ms@64N,22W < 97500 at 72h"], r"expected one of the channels msl, t2m, found 'ms' \(did you mean 'msl'\?\)"),
        (["msl@64N,22W < 97500 at 60h"], "expected a lead of 24, 48 ... 240 h"),
        (["msl@64N,22W < 97500 at 11d"], "found 264 h"),
        (["msl@64N,22W < 97500 at 3d", "msl@64N,22W > 98000 at 72h"], "expected ones that agree"),
    ],
)
def test_conditions_must_be_on_the_forecast(texts: list[str], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        check_conditions([parse_condition(text) for text in texts], ("msl", "t2m"), 24, 10)


def test_the_hash_tells_conditions_apart() -> None:
    one, other = (parse_condition(f"msl@64N,22W < {value} at 72h") for value in (97500, 97501))
    assert conditions_hash([one]) == conditions_hash([parse_condition(str(one))]) != conditions_hash([other])
