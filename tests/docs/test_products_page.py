"""The examples of docs/products.md work as they stand, one after another, and each product is on the page."""

import re
from pathlib import Path

import numpy as np
import xarray as xr

import plumecast

PAGE = (Path(__file__).parents[2] / "docs" / "products.md").read_text(encoding="utf-8")


def fields() -> dict[str, xr.Dataset]:
    rng = np.random.default_rng(0)
    coords = {"latitude": [40.0, 50.0, 60.0], "longitude": [0.0, 10.0, 20.0, 30.0]}
    lead = np.arange(0, 48, 6).astype("timedelta64[h]").astype("timedelta64[ns]")
    normals = {"t2m": (281.0, 5.0), "u10": (0.0, 6.0), "v10": (0.0, 6.0), "d2m": (276.0, 4.0)}
    units = {"t2m": "K", "d2m": "K", "u10": "m s-1", "v10": "m s-1"}

    def dataset(name: str, number: int, *dims: str) -> xr.Dataset:
        sizes = (number, *(len(lead) for dim in dims if dim == "lead_time"), 3, 4)
        names = (name, *dims, "latitude", "longitude")
        made = xr.Dataset({key: (names, rng.normal(*of, sizes), {"units": units[key]}) for key, of in normals.items()})
        return made.assign_coords({**coords, **({"lead_time": lead} if dims else {})})

    reforecasts = dataset("year", 100)
    day = reforecasts[["t2m"]].quantile([0.01, 0.1, 0.5, 0.9, 0.99], "year").rename(t2m="t2m_quantile")
    climatology = day.expand_dims(hour=[0, 6, 12, 18], dayofyear=np.arange(1, 367))
    forecast = dataset("member", 20, "lead_time").assign_coords(init_time=np.datetime64("2024-12-30", "ns"))
    return {"forecast": forecast, "reforecasts": reforecasts, "climatology": climatology}


def test_the_examples_work() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    space: dict[str, object] = {"__name__": "example", **fields()}
    for block in blocks:
        exec(compile(block, "products.md", "exec"), space)
    efi, other = space["efi"], space["against_the_archive"]
    assert isinstance(efi, xr.DataArray)
    assert isinstance(other, xr.DataArray)
    assert 0 < float(np.abs(efi).max()) < 1
    assert float(np.abs(other - efi).max()) < 0.1  # the same climate, by five quantiles


def test_every_product_is_in_a_table() -> None:
    named = set(re.findall(r"`(\w+)\(", " ".join(re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE))))
    products = {name for name, module in plumecast._MODULES.items() if module.startswith("forecast.products.ensemble")}
    assert named == products
    assert len(products) >= 15
