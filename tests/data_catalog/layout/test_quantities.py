"""What a channel says of itself."""

from data_catalog.layout.quantities import Channel, Variable

GUST = Variable("gust2", "gust", "", "m s-1", (0.0, 100.0))


def test_a_quantity_without_standard_name_has_no_empty_attribute() -> None:
    assert Channel("gust2", GUST).attributes == {"units": "m s-1", "long_name": "gust", "cell_methods": "time: point"}


def test_the_level_is_part_of_the_words() -> None:
    assert Channel("gust500", GUST, 500).long_name == "gust at 500 hPa"


def test_the_short_name_stands_in_for_a_long_name_of_era5() -> None:
    assert GUST.era5_name == "gust2"
