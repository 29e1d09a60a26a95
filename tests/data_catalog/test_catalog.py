"""The datasets that are known."""

import numpy as np
import pytest

from data_catalog.catalog import DatasetEntry, dataset, dataset_names
from data_catalog.errors import ConfigurationError
from data_catalog.sources.open_source import open_source


def test_the_catalogue_knows_its_names() -> None:
    assert dataset_names() == ("speedy-5p6", "ncep-natlantic", "era5-5p6", "era5-1p5", "era5-0p25")
    with pytest.raises(ConfigurationError, match=r"expected one of speedy-5p6, .* found 'era6'"):
        dataset("era6")
    with pytest.raises(ConfigurationError, match="nonsense"):
        DatasetEntry.model_validate(dataset("era5-5p6").model_dump() | {"channels": ("nonsense",)})


def test_the_catalogue_knows_the_grid() -> None:
    grid = dataset("speedy-5p6").grid
    assert grid is not None
    analysis = open_source(dataset("speedy-5p6"))
    for axis, expected in zip(("latitude", "longitude"), grid.coordinates(), strict=True):
        np.testing.assert_allclose(analysis[axis].values, expected, atol=1e-6)


def test_a_dataset_says_whether_it_can_be_found() -> None:
    found = {name: dataset(name).has_source for name in dataset_names()}
    assert [name for name, has in found.items() if not has] == ["ncep-natlantic"]
