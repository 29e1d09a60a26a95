import numpy as np
import xarray as xr

from data_catalog.archive.verdicts import SuspectGroup, Verdicts
from forecast.products.page.archive_charts import GOOD, MISSING, NOT_JUDGED, SUSPECT
from pipelines.data.archive_values import all_times, bounds_words, draw_maps, read_ranges, states_of

EVERY = np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(1, "D")
HOLES = EVERY[[1, 2, 4]]


def field() -> xr.DataArray:
    coords = {"time": EVERY, "latitude": np.linspace(30, 50, 5), "longitude": np.linspace(0, 20, 6)}
    values = 101000 + 100 * np.arange(6)[:, None, None] + np.arange(30).reshape(5, 6)
    return xr.DataArray(values.astype(np.float32), coords, ("time", "latitude", "longitude"), name="msl").chunk(time=2)


def test_each_time_has_its_state():
    verdicts = Verdicts({"2001-01-01T00:00:00": {}, "2001-01-04T00:00:00": {"msl": "dates: wrong"}})
    times = all_times(np.setdiff1d(EVERY, HOLES), HOLES)
    np.testing.assert_array_equal(times, EVERY)
    states = states_of("msl", times, HOLES, verdicts)
    assert states.tolist() == [GOOD, MISSING, MISSING, SUSPECT, MISSING, NOT_JUDGED]
    assert states_of("z500", times, HOLES, verdicts)[3] == GOOD


def test_ranges_are_in_the_unit_of_figures():
    found = read_ranges(field())
    np.testing.assert_allclose(found.lowest, 1010 + np.arange(6))
    np.testing.assert_allclose(found.highest, 1010.29 + np.arange(6), rtol=1e-6)
    assert ((found.lowest < found.mean) & (found.mean < found.highest)).all()
    assert bounds_words(found, "hPa") == "1010 to 1015 hPa; believable are 850 to 1120"


def test_an_ensemble_is_shown_by_its_range_and_its_first_member(tmp_path):
    both = xr.concat([field(), field() + 1000], "member").transpose("time", "member", ...).rename("msl")
    np.testing.assert_allclose(read_ranges(both).highest, 1020.29 + np.arange(6), rtol=1e-6)
    assert len(draw_maps(both, [], tmp_path)) == 2


def test_suspect_times_are_drawn_beside_the_time_before(tmp_path):
    maps = draw_maps(field(), [SuspectGroup(("msl",), (EVERY[3],), "dates: wrong")], tmp_path)
    assert [one.heading.partition(":")[0] for one in maps] == ["First time", "Last time", "Suspect", "The time before"]
    assert [one.words for one in maps] == ["", "", "dates: wrong", ""]
    assert all(one.picture.exists() for one in maps)
