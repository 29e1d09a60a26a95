import itertools
import resource
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.netcdf import ForecastWriter, copy_members


@pytest.mark.parametrize(
    ("grid", "channels"),
    [
        ("GLOBAL", ("z500", "t850", "u850", "v850", "u250", "v250", "q850", "msl", "t2m", "tp24")),
        ("POLES", ("z500", "t2m")),
        ("REGIONAL", ("msl",)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_strict_cf_checker_reports_nothing(tmp_path, synthetic, complaints, grid, channels):
    path = synthetic.write_forecast(tmp_path / "f.nc", grid=getattr(synthetic, grid), channels=channels)
    failed, made = complaints(path)
    assert failed == []
    assert made > 20


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", ["units", "standard_name", "bounds", "fill", "reference"])
def test_cf_checker_sees_a_broken_file(tmp_path, synthetic, complaints, fault):
    path = synthetic.write_forecast(tmp_path / "f.nc", channels=("t2m", "tp24"))
    with netCDF4.Dataset(path, "a") as broken:
        match fault:
            case "units":
                broken["t2m"].units = "parsec"
            case "standard_name":
                broken["t2m"].standard_name = "warmth"
            case "bounds":
                broken["time"].bounds = "nowhere"
            case "fill":
                broken["latitude"].missing_value = 0.0
            case "reference":
                broken["t2m"].grid_mapping = "nowhere"
    assert complaints(path)[0]


def test_a_written_forecast_round_trips(tmp_path, synthetic):
    path = synthetic.write_forecast(tmp_path / "f.nc", channels=("z500", "tp24"), members=3, leads=2)
    with open_forecast(path) as forecast:
        assert forecast["z500"].dims == ("member", "lead_time", "latitude", "longitude")
        assert forecast["z500"].chunks is not None
        assert forecast["init_time"].values == synthetic.INIT_TIME
        assert np.array_equal(forecast["lead_time"], synthetic.lead_times(2))
        assert forecast["member"].values.tolist() == [0, 1, 2]
        given = synthetic.fields(("z500", "tp24"), synthetic.GLOBAL, (2,), 1)
        assert np.allclose(forecast["z500"][2, 1], given["z500"][0], rtol=0, atol=0.05)
        assert np.allclose(forecast["tp24"][2, 1], given["tp24"][0], rtol=1e-5)
        assert forecast["z500"].attrs["units"] == "m2 s-2"
        assert set(forecast.data_vars) == {"z500", "tp24"}


def test_accumulations_have_bounds_and_instants_have_none(tmp_path, synthetic):
    with netCDF4.Dataset(synthetic.write_forecast(tmp_path / "a.nc", channels=("tp24",))) as file:
        assert file["tp24"].cell_methods == "time: sum"
        assert np.all(np.diff(file["time_bnds"][:], axis=1) == 86400)
        assert np.array_equal(file["time_bnds"][:, 1], file["time"][:])
    with netCDF4.Dataset(synthetic.write_forecast(tmp_path / "b.nc", channels=("t2m",))) as file:
        assert "time_bnds" not in file.variables
        assert file["t2m"].units_metadata == "temperature: on_scale"
        assert "_FillValue" not in file["time"].ncattrs()
        assert "SIMULATED" in file.title


def test_order_of_blocks_changes_no_value(tmp_path, synthetic):
    channels = ("z500", "t2m", "msl")
    whole = synthetic.write_forecast(tmp_path / "a.nc", channels=channels, block=4)
    with _writer(tmp_path / "b.nc", synthetic, channels, 4, 3) as writer:
        blocks = list(itertools.product(range(4), range(3)))
        np.random.default_rng(1).shuffle(blocks)
        for member, lead_index in blocks:
            fields = synthetic.fields(channels, synthetic.GLOBAL, (member,), lead_index)
            writer.write([member], lead_index, fields)
    with open_forecast(whole) as one, open_forecast(tmp_path / "b.nc") as other:
        xr.testing.assert_identical(one.load(), other.load())


def _writer(path, synthetic, channels=("t2m",), members=2, leads=2, attributes=None):
    return ForecastWriter(
        path, channels=channels, axes=synthetic.axes(synthetic.GLOBAL, leads), members=range(members),
        attributes=synthetic.ATTRIBUTES if attributes is None else attributes, step_hours=24,
    )  # fmt: skip


def _fill(writer, synthetic, members=(0, 1), leads=(0, 1)):
    for lead_index in leads:
        writer.write(members, lead_index, synthetic.fields(("t2m",), synthetic.GLOBAL, members, lead_index))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing lead", "first missing one is member 0 at lead index 1"),
        ("missing member", "first missing one is member 1 at lead index 0"),
        ("nan", "t2m, member 1, valid 2008-01-16T00:00Z: expected finite values, found 1"),
        ("twice", "expected each member once, found member 0 twice"),
        ("stranger", "expected members of the file, found 7"),
        ("shape", "expected shape"),
        ("channel", "expected channels"),
        ("late", "expected a lead index from 0 to 1"),
    ],
)
def test_a_faulty_delivery_leaves_no_file(tmp_path, synthetic, fault, message):
    fields = synthetic.fields(("t2m",), synthetic.GLOBAL, (0, 1), 0)
    with pytest.raises(InvalidDataError, match=message):
        _deliver(tmp_path / "f.nc", synthetic, fault, fields)
    assert list(tmp_path.iterdir()) == []


def _deliver(path, synthetic, fault, fields):
    with _writer(path, synthetic) as writer:
        match fault:
            case "missing lead":
                _fill(writer, synthetic, leads=(0,))
            case "missing member":
                _fill(writer, synthetic, members=(0,))
            case "nan":
                fields["t2m"][1, 2, 3] = np.nan
                writer.write((0, 1), 0, fields)
            case "twice":
                _fill(writer, synthetic, leads=(0, 0))
            case "stranger":
                writer.write((0, 7), 0, fields)
            case "shape":
                writer.write((0,), 0, fields)
            case "channel":
                writer.write((0, 1), 0, {**fields, "msl": fields["t2m"]})
            case "late":
                writer.write((0, 1), 2, fields)


def test_an_exception_of_the_caller_passes_and_leaves_the_earlier_file(tmp_path, synthetic):
    path = synthetic.write_forecast(tmp_path / "f.nc")
    before = path.read_bytes()
    with pytest.raises(TypeError), _writer(path, synthetic) as writer:
        writer.write((0, 1), 0, None)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_values_changed_under_the_writer_are_noticed(tmp_path, synthetic, monkeypatch):
    def close_and_tamper(writer):
        if writer._dataset is not None:
            writer._dataset["t2m"][1, 1, 0, 0] = 1.0
            writer._dataset.close()
            writer._dataset = None

    monkeypatch.setattr(ForecastWriter, "_close", close_and_tamper)
    with (
        pytest.raises(InvalidDataError, match="expected the values written, found others"),
        _writer(tmp_path / "f.nc", synthetic) as writer,
    ):
        _fill(writer, synthetic)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
import numpy as np
from forecast.products.files.cf import ForecastAxes
from forecast.products.files.netcdf import ForecastWriter
hours = np.arange(1, 4) * np.timedelta64(24, "h")
axes = ForecastAxes(np.arange(8.0), np.arange(8.0), np.datetime64("2008-01-01"), hours)
with ForecastWriter(sys.argv[1], channels=["t2m"], axes=axes, members=range(2), step_hours=24,
                    attributes={name: "x" for name in "title institution source history references".split()}) as writer:
    writer.write([0, 1], 0, {"t2m": np.full((2, 8, 8), 280, "f4")})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_while_writing_leaves_no_file(tmp_path, synthetic):
    path = tmp_path / "f.nc"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -9
    assert not path.exists()
    assert [left.name for left in tmp_path.iterdir()] == [".f.nc.partial"]
    synthetic.write_forecast(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_error_line(tmp_path, synthetic):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(ConfigurationError, match="expected to be able to write") as caught:
            synthetic.write_forecast(tmp_path / "f.nc", members=8, leads=8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_growing_an_ensemble_keeps_its_members(tmp_path, synthetic):
    channels = ("z500", "t2m", "tp24")
    small = synthetic.write_forecast(tmp_path / "small.nc", channels=channels, members=2)
    with _writer(tmp_path / "large.nc", synthetic, channels, 4, 3) as writer:
        assert copy_members(small, writer) == (0, 1)
        for lead_index in range(3):
            writer.write((2, 3), lead_index, synthetic.fields(channels, synthetic.GLOBAL, (2, 3), lead_index))
    with open_forecast(small) as before, open_forecast(tmp_path / "large.nc") as after:
        xr.testing.assert_equal(after.isel(member=slice(2)).load(), before.load())


def test_members_of_another_cycle_are_not_copied(tmp_path, synthetic):
    small = synthetic.write_forecast(tmp_path / "small.nc", channels=("t2m",), leads=3)
    with (
        pytest.raises(InvalidDataError, match=r"expected the lead_time of l\.nc, found another"),
        _writer(tmp_path / "l.nc", synthetic) as writer,
    ):
        copy_members(small, writer)
