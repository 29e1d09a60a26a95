"""What drives a forecast; torch is imported only when the function is called."""

from pathlib import Path

import xarray as xr

from pipelines.terminal.parts import require
from pipelines.terminal.places import Place
from pipelines.workspace.home import home as find_home


def explain(
    run: str | Path,
    place: Place,
    *,
    lead: str | None = None,
    channel: str | None = None,
    members: int | None = None,
    home: str | Path | None = None,
    device: str = "auto",
) -> xr.Dataset:
    """Explain a run at a place: what its mean and spread hang on, by gradients through the model.

    Args:
        run: Directory of a run, such as `plumecast-data/runs/speedy-5p6/20080110T0000Z`.
        place: Latitude and longitude in degrees, as numbers or text; or a point of the system or a region by its name.
        lead: Lead time such as `"5d"`; None for the run's last.
        channel: Channel such as `msl`; None for the first on the run's page.
        members: How many of the run's members; None for all, 3 at least.
        home: Directory that holds model and archive; None for PLUMECAST_HOME, or else ./plumecast-data.
        device: Device to compute on: "cpu", "cuda", "cuda:1"; "auto" takes a GPU if there is one.

    Returns:
        For each channel `mean_to_<channel>` and `spread_to_<channel>` (input_time, latitude, longitude): how mean and
        spread would change for one unit more at a grid point of the states that the members start from. Also gradients
        with respect to the anchor's forecasts and the noise, shares of the variance (`linear_share`, `total_share`) by
        lead time, shares of channels, and what the check predicted and measured; each has `long_name` and `units`.

    Raises:
        ConfigurationError: Place, lead, channel or number of members is not one of the run; or model or analysis is not
            the one that the run names.
        MissingDataError: The run is not finished, or there is no archive of the analysis.
        InvalidDataError: The run is not as it was published, or its members are not those that the model makes.
        ModuleNotFoundError: PyTorch is not installed; it comes with `pip install 'plumecast[model]'`.
    """
    require("torch")
    from pipelines.operations.explaining import ExplanationRequest, explained
    from pipelines.runs.original_inputs import Sources
    from pipelines.workspace.devices import choose_device

    where = place if isinstance(place, str) else ",".join(map(str, place))
    sources = Sources(find_home(None if home is None else Path(home)), device=choose_device(device))
    return explained(ExplanationRequest(Path(run), where, sources, lead, channel, members))[0]
