import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.verification import EvaluationSums, UnscorableError
from forecast.verification.archive.archive import (
    append_cycle,
    archived_forecasters,
    open_score_archive,
    read_cycle,
    score_table,
)
from forecast.verification.evaluation import cycle_sums, scores_of
from forecast.verification.regions import region_weights

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
START = np.datetime64("2008-01-01T00:00", "ns")
DAY = np.timedelta64(1, "D")


def one_cycle(make_pair: MakePair, kind: str = "random") -> tuple[xr.Dataset, xr.Dataset]:
    forecast, analysis = make_pair(kind)
    scale = xr.Dataset({"msl": forecast, "t850": forecast + 1}), xr.Dataset({"msl": analysis, "t850": analysis})
    return scale[0], scale[1]


def sums_of(make_pair: MakePair, kind: str = "random") -> xr.DataArray:
    forecast, analysis = one_cycle(make_pair, kind)
    return cycle_sums(forecast, analysis, region_weights(forecast["latitude"], forecast["longitude"]))


def test_scores_from_the_archive_are_those_from_the_fields(make_pair: MakePair, tmp_path: Path) -> None:
    whole = EvaluationSums()
    for index, kind in enumerate(("random", "tied", "offset")):
        whole.add(*one_cycle(make_pair, kind))
        assert append_cycle(tmp_path, "plumecast", START + index * DAY, sums_of(make_pair, kind))
    archived = open_score_archive(tmp_path)["sums"]
    assert archived.dims == ("init_time", "forecaster", "channel", "lead_time", "region", "statistic")
    pooled = scores_of(archived.sel(forecaster="plumecast", region="global").sum("init_time", skipna=False))
    expected = whole.scores()
    for channel in ("msl", "t850"):
        for score in ("crps", "rmse", "mae", "bias", "spread", "spread_skill", "rank_histogram"):
            np.testing.assert_allclose(
                pooled[score].sel(channel=channel), list(expected[channel][score].values()), rtol=1e-9, err_msg=score
            )
    late = open_score_archive(tmp_path, start=START + DAY, end=START + DAY)
    assert late["init_time"].values.tolist() == [(START + DAY).astype(int)]


def test_table_has_one_row_an_entry(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    append_cycle(tmp_path, "plumecast", START, sums)
    append_cycle(tmp_path, "linear", START, sums)
    table = score_table(tmp_path)
    assert len(table) == 2 * 2 * 3 * sums.sizes["region"] * (sums.sizes["statistic"] - 1)
    row = table[(table["statistic"] == "crps") & (table["region"] == "tropics")].iloc[0]
    expected = sums.sel(channel=row["channel"], lead_time=row["lead_time"], region="tropics")
    assert row["sum"] == float(expected.sel(statistic="crps"))
    assert row["weight"] == float(expected.sel(statistic="weight"))
    assert not table.duplicated(["init_time", "forecaster", "channel", "lead_time", "region", "statistic"]).any()


def test_a_cycle_is_added_once(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    assert append_cycle(tmp_path, "plumecast", START, sums)
    assert not append_cycle(tmp_path, "plumecast", START, sums)
    with pytest.raises(InvalidDataError, match="expected the same scores as before"):
        append_cycle(tmp_path, "plumecast", START, sums * 2)
    assert not list(tmp_path.rglob(".*"))
    with pytest.raises(UnscorableError, match="forecaster: expected letters"):
        append_cycle(tmp_path, "../plumecast", START, sums)


def test_scores_that_agree_to_a_thousandth_are_the_same(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    assert append_cycle(tmp_path, "plumecast", START, sums)
    assert not append_cycle(tmp_path, "plumecast", START, sums * (1 + 1e-5))
    xr.testing.assert_equal(_first(tmp_path), sums.transpose(*_first(tmp_path).dims))
    other = sums.copy()
    place = {"channel": "msl", "lead_time": sums["lead_time"][1], "region": "tropics", "statistic": "crps"}
    other.loc[place] += 0.01 * float(sums.loc[{**place, "statistic": "absolute"}])
    with pytest.raises(
        InvalidDataError, match=r"others, first in crps of msl at 48 h, tropics; keep the new ones under another name"
    ):
        append_cycle(tmp_path, "plumecast", START, other)
    with pytest.raises(InvalidDataError, match="expected scores of 9 members as before, found 2"):
        append_cycle(tmp_path, "plumecast", START, sums_of(make_pair, "pair"))


def _first(archive: Path) -> xr.DataArray:
    found = read_cycle(archive, "plumecast", START)
    assert found is not None
    return found


def test_what_is_missing_is_added_beside(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    assert read_cycle(tmp_path, "plumecast", START) is None
    short = sums.isel(lead_time=slice(2), region=[0, 1], channel=[0])
    assert append_cycle(tmp_path, "plumecast", START, short)
    assert append_cycle(tmp_path, "plumecast", START, sums)
    assert not append_cycle(tmp_path, "plumecast", START, short)
    assert not append_cycle(tmp_path, "plumecast", START, sums)
    names = sorted(path.name for path in tmp_path.rglob("*.npz"))
    assert names == ["plumecast+2.npz", "plumecast.npz"]
    np.testing.assert_array_equal(_first(tmp_path).sel(channel=sums["channel"].values.tolist()), sums)
    table = score_table(tmp_path)
    assert len(table) == 2 * 3 * sums.sizes["region"] * (sums.sizes["statistic"] - 1)
    assert not table.duplicated(["init_time", "forecaster", "channel", "lead_time", "region", "statistic"]).any()


def test_what_scores_are_about_must_not_change(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    assert append_cycle(tmp_path, "plumecast", START, sums, {"members": "9", "analysis": "a"})
    assert not append_cycle(tmp_path, "plumecast", START, sums, {"members": "9", "title": "more"})
    with pytest.raises(InvalidDataError, match=r"plumecast\.npz: expected scores of analysis a as before, found b"):
        append_cycle(tmp_path, "plumecast", START, sums, {"analysis": "b"})
    assert read_cycle(tmp_path, "plumecast", START, {"analysis": "a"}) is not None
    with pytest.raises(InvalidDataError, match="expected scores of members 9 as before, found 8"):
        read_cycle(tmp_path, "plumecast", START, {"members": "8"})
    append_cycle(tmp_path, "plumecast", START + DAY, sums, {"members": "9"})
    append_cycle(tmp_path, "linear@1a2b", START, sums)
    found = archived_forecasters(tmp_path)
    assert [one.name for one in found] == ["linear@1a2b", "plumecast"]
    assert found[1].init_times.tolist() == np.array([START, START + DAY]).tolist()
    assert [one.about for one in found] == [{}, {"members": "9"}]


def test_a_part_can_be_read(make_pair: MakePair, tmp_path: Path) -> None:
    for name in ("plumecast", "linear"):
        append_cycle(tmp_path, name, START, sums_of(make_pair))
    part = open_score_archive(tmp_path, forecasters=["linear"], ranks=False)["sums"]
    assert part["forecaster"].values.tolist() == ["linear"]
    assert part["statistic"].values.tolist() == [
        "weight", "crps", "squares", "absolute", "bias", "variance", "inflated",
    ]  # fmt: skip
    with pytest.raises(InvalidDataError, match="expected cycles, found none"):
        open_score_archive(tmp_path, forecasters=["climatology"])


def test_other_names_are_refused(make_pair: MakePair, tmp_path: Path) -> None:
    append_cycle(tmp_path, "plumecast", START, sums_of(make_pair))
    (tmp_path / "20080101T0000Z" / "copy of plumecast.npz").write_bytes(b"")
    with pytest.raises(InvalidDataError, match=r"expected a name such as plumecast\.npz"):
        open_score_archive(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "20080101T0000Z" / "copy of plumecast.npz").unlink()
    with pytest.raises(InvalidDataError, match="notes"):
        open_score_archive(tmp_path)


def test_damage_is_named(make_pair: MakePair, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="expected cycles, found none"):
        open_score_archive(tmp_path)
    append_cycle(tmp_path, "plumecast", START, sums_of(make_pair))
    path = tmp_path / "20080101T0000Z" / "plumecast.npz"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    for damaged in (bytes(content), bytes(content[:300]), b""):
        path.write_bytes(damaged)
        with pytest.raises(InvalidDataError, match=r"20080101T0000Z/plumecast\.npz: expected scores of a cycle"):
            open_score_archive(tmp_path)


def test_a_writer_killed_beside_another_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """`KILLS=50` asks for more of them than a quick run has."""
    kills = os.environ.get("KILLS", "12")
    command = [sys.executable, "-m", "tests.forecast.verification.archive.killed_writers", str(tmp_path), kills]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[4])
    assert (done.returncode, done.stdout) == (0, f"{kills}\n"), done.stderr
