"""Regions of a system file say what is meant, or why not."""

from typing import Any

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system
from forecast.system.system import System

BOX = {"name": "iceland", "south": 60.0, "north": 70.0, "west": -28.0, "east": -10.0}
MASK = {"name": "land", "channel": "lsm", "above": 0.5}


def parsed(system: System, **verification: Any) -> System:
    content = system.model_dump(mode="json") | {"verification": verification}
    return parse_system(content, origin="system file x.toml")


def test_regions_are_read(system: System) -> None:
    chosen = parsed(
        system,
        regions=["global", "europe"],
        boxes=[BOX, {"name": "belt", "south": 30.0, "north": 60.0}],
        masks=[MASK, {**MASK, "name": "icelandic-land", "within": "iceland"}, {**MASK, "name": "coast", "below": 0.9}],
    ).verification
    assert chosen.regions == ("global", "europe")
    assert (chosen.boxes[1].west, chosen.boxes[1].east) == (0.0, 360.0)
    assert [mask.name for mask in chosen.masks] == ["land", "icelandic-land", "coast"]
    assert parsed(system).verification.regions is None


def test_regions_do_not_decide_members(system: System) -> None:
    assert parsed(system, boxes=[BOX]).identity_hash() == system.identity_hash()


@pytest.mark.parametrize(
    ("verification", "message"),
    [
        ({"regions": ["europa"]}, "verification.regions.0: Input should be 'global', 'northern-extratropics'"),
        ({"boxes": [{**BOX, "name": "Iceland"}]}, "verification.boxes.0.name: String should match pattern"),
        ({"boxes": [{**BOX, "height": 1}]}, "unknown key 'verification.boxes.0.height'"),
        ({"boxes": [{**BOX, "south": 80.0}]}, "verification.boxes.0: expected south below north, found 80 and 70"),
        ({"boxes": [{**BOX, "north": 95.0}]}, "verification.boxes.0.north"),
        ({"boxes": [{**BOX, "west": 350.0, "east": 10.0}]}, "expected east beyond west by 360 degrees at most"),
        ({"boxes": [BOX, BOX]}, "expected distinct names of regions, found 'iceland' twice"),
        ({"boxes": [{**BOX, "name": "europe"}]}, "expected distinct names of regions, found 'europe' twice"),
        ({"boxes": [{**BOX, "name": "domain"}]}, "found 'domain' twice"),
        ({"boxes": [BOX], "masks": [{**MASK, "name": "iceland"}]}, "found 'iceland' twice"),
        ({"masks": [{**MASK, "channel": "z500"}]}, "expected a channel that never changes, such as lsm, found 'z500'"),
        ({"masks": [{**MASK, "channel": "sea"}]}, "channel: expected"),
        ({"masks": [{"name": "land", "channel": "lsm"}]}, "expected 'above', 'below' or both for lsm"),
        ({"masks": [{**MASK, "within": "iceland"}]}, "masks.within: expected one of ['global'"),
    ],
)
def test_faults_are_named_in_one_line(system: System, verification: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parsed(system, **verification)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
