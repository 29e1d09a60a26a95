"""The datasets of the catalogue."""

import numpy as np
import pytest

from data_catalog.catalog import DatasetEntry, dataset, dataset_names
from data_catalog.errors import ConfigurationError
from data_catalog.sources.open_source import open_source


def test_datasets_are_found_by_name() -> None:
    assert dataset_names() == ("speedy-5p6", "ncep-natlantic", "era5-5p6", "era5-1p5", "era5-0p25")
    with pytest.raises(ConfigurationError, match=r"expected one of speedy-5p6, .* found 'era6'"):
        dataset("era6")
    with pytest.raises(ConfigurationError, match="nonsense"):
        DatasetEntry.model_validate(dataset("era5-5p6").model_dump() | {"channels": ("nonsense",)})


def test_entries_have_their_grids() -> None:
    grid = dataset("speedy-5p6").grid
    assert grid is not None
    analysis = open_source(dataset("speedy-5p6"))
    for axis, expected in zip(("latitude", "longitude"), grid.coordinates(), strict=True):
        np.testing.assert_allclose(analysis[axis].values, expected, atol=1e-6)


def test_has_source_is_false_without_a_location() -> None:
    found = {name: dataset(name).has_source for name in dataset_names()}
    assert [name for name, has in found.items() if not has] == ["ncep-natlantic"]
