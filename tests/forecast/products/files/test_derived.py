import netCDF4
import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.products.files.derived import occurs, probability_name, write_products
from forecast.products.files.forecast_reading import open_forecast
from forecast.system.products import Event

CHANNELS = ("z500", "t2m", "msl", "tp24")
PROBABILITIES = (
    Event(channel="t2m", below=273.15),
    Event(channel="tp24", above=5),
    Event(channel="msl", below=98000.0),
)


@pytest.fixture
def forecast(tmp_path, synthetic):
    return synthetic.write_forecast(tmp_path / "f.nc", channels=CHANNELS, members=7, leads=2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("grid", ["GLOBAL", "REGIONAL"])
def test_strict_cf_checker_reports_nothing(tmp_path, synthetic, complaints, grid):
    source = synthetic.write_forecast(tmp_path / "f.nc", grid=getattr(synthetic, grid), channels=CHANNELS)
    failed, made = complaints(write_products(source, tmp_path / "p.nc", probabilities=PROBABILITIES))
    assert failed == []
    assert made > 20


def test_products_equal_numpy_on_the_members(tmp_path, forecast):
    products = write_products(forecast, tmp_path / "p.nc", quantiles=(0.0, 0.5, 1.0), probabilities=PROBABILITIES)
    members = open_forecast(forecast)
    with netCDF4.Dataset(products) as file:
        for name in CHANNELS:
            values = members[name].values.astype(np.float64)
            scale = values.std()
            assert np.allclose(file[f"{name}_mean"][:], values.mean(axis=0), rtol=0, atol=1e-4 * scale)
            assert np.allclose(file[f"{name}_spread"][:], values.std(axis=0, ddof=1), rtol=1e-4, atol=1e-5 * scale)
            expected = [values.min(axis=0), np.median(values, axis=0), values.max(axis=0)]
            assert np.allclose(file[f"{name}_quantile"][:], expected, rtol=0, atol=1e-4 * scale)
        share = (members["t2m"] < 273.15).mean("member")
        assert np.allclose(file["t2m_below_273p15"][:], share, atol=1e-4)
        assert 0.05 < float(np.mean(file["t2m_below_273p15"][:])) < 0.95
        assert np.allclose(file["tp24_above_5"][:], (members["tp24"] > 5).mean("member"), atol=1e-4)
        assert file["t2m_spread"].units_metadata == "temperature: difference"
        assert "SIMULATED" in file.title


def test_events_are_strict():
    values = np.array([[[1.0, 2.0, 3.0]]], dtype=np.float32)
    assert occurs(Event(channel="tp24", above=2), values).tolist() == [[[False, False, True]]]
    assert occurs(Event(channel="tp24", below=2), values).tolist() == [[[True, False, False]]]


def test_probabilities_are_named_for_their_event():
    assert probability_name(Event(channel="tp24", above=10)) == "tp24_above_10"
    assert probability_name(Event(channel="t2m", below=273.15)) == "t2m_below_273p15"
    assert probability_name(Event(channel="t2m", below=-1.5)) == "t2m_below_m1p5"


def test_unknown_channel_and_bad_quantiles_are_refused(tmp_path, forecast):
    with pytest.raises(ConfigurationError, match="q850"):
        write_products(forecast, tmp_path / "p.nc", probabilities=[Event(channel="q850", above=0.01)])
    for quantiles in ((0.5, 0.1), (-0.1,), (1.1,)):
        with pytest.raises(ConfigurationError, match="ascending numbers"):
            write_products(forecast, tmp_path / "p.nc", quantiles=quantiles)
    assert list(tmp_path.iterdir()) == [forecast]


def test_one_member_has_no_spread(tmp_path, synthetic):
    source = synthetic.write_forecast(tmp_path / "f.nc", channels=("t2m",), members=1)
    with netCDF4.Dataset(write_products(source, tmp_path / "p.nc")) as file:
        assert "t2m_mean" in file.variables
        assert "t2m_spread" not in file.variables


def test_a_forecast_with_missing_values_is_refused(tmp_path, forecast):
    with netCDF4.Dataset(forecast, "a") as file:
        file["msl"][3, 1, 2, 2] = np.nan
    with pytest.raises(InvalidDataError, match="msl, lead index 1"):
        write_products(forecast, tmp_path / "p.nc")
    assert list(tmp_path.iterdir()) == [forecast]


def test_a_damaged_forecast_is_not_reported_as_a_disk_error(tmp_path, forecast):
    data = bytearray(forecast.read_bytes())
    for index in range(len(data) // 3, len(data) - len(data) // 4, 97):
        data[index] ^= 0xFF
    forecast.write_bytes(data)
    with pytest.raises(InvalidDataError, match="found a damaged file"):
        write_products(forecast, tmp_path / "p.nc")
    with pytest.raises(MissingDataError, match="found none"):
        write_products(tmp_path / "none.nc", tmp_path / "p.nc")
    assert list(tmp_path.iterdir()) == [forecast]
