"""What figures show, seen before they are closed."""

import pytest
from matplotlib.figure import Figure

from forecast.products.plots import diagrams, scorecards, station_maps

_MODULES = (diagrams, scorecards, station_maps)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that a test draws, in their order; they are saved as well."""
    figures: list[Figure] = []
    real = scorecards.save
    for module in _MODULES:
        monkeypatch.setattr(module, "save", lambda figure, out: figures.append(figure) or real(figure, out))
    return figures
