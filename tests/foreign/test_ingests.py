"""Random foreign analyses end in an archive of the truth, or in one clear line; the campaign runs thousands."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.cli.app import main as plumecast
from tests.foreign import campaign, ingests
from tests.foreign.conftest import CheckSeeds
from tests.foreign.ingests import INGEST_FAULTS, make_ingest

SEEDS_A_TEST = 5
FIRST_SEEDS = range(0, 20, SEEDS_A_TEST)


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_analyses_are_archived_rightly_or_refused_in_one_line(first: int, check_seeds: CheckSeeds) -> None:
    check_seeds(campaign.ingest_seed, range(first, first + SEEDS_A_TEST))


def test_a_seed_is_always_the_same_analysis(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(make_ingest(12, tmp_path / name))
    assert (made[0].layout, made[0].right) == (made[1].layout, made[1].right)
    assert made[0].location.name == made[1].location.name


def test_no_fault_of_members_or_leads_is_laid_on_an_analysis() -> None:
    assert not [name for name in INGEST_FAULTS if "member" in name or "lead" in name or "start" in name]
    assert {"1e20 at a point", "a time twice", "truncated"} <= set(INGEST_FAULTS)


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[ingests.Ingest, Path]:
    """A sound case and its archive."""
    directory = tmp_path_factory.mktemp("archived")
    case = make_ingest(2, directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMECAST_HOME", str(directory / "home"))
        assert plumecast(["new-dataset", str(case.location), "--name", "theirs"]) == 0
        assert plumecast(["ingest", "theirs", "--archive", str(directory / "archive.zarr")]) == 0
    return case, directory / "archive.zarr"


def test_a_right_archive_differs_in_nothing(archived: tuple[ingests.Ingest, Path]) -> None:
    assert ingests.differences(*archived, "") == ""


def test_wrong_archives_are_seen(archived: tuple[ingests.Ingest, Path]) -> None:
    case, archive = archived
    name = case.layout.channels[0]
    later = case.weather.isel(time=slice(1, None))
    shifted = case.weather.assign({name: case.weather[name] * 1.01})
    turned = case.weather.roll(longitude=1)
    assert "times" in ingests.differences(replace(case, weather=later), archive, "")
    for wrong in (shifted, turned):
        assert " differs by up to " in ingests.differences(replace(case, weather=wrong), archive, "")
    assert "faulty" in ingests.differences(replace(case, right="refusal"), archive, "left out t2m")
