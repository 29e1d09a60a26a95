"""What `plumecast verify --stations` does once its options are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from data_catalog.errors import ConfigurationError
from pipelines.scoring.stations.report import print_report, report_text, write_report
from pipelines.scoring.stations.request import Method, StationRequest
from pipelines.scoring.stations.verify import verify_at_stations


@dataclass(frozen=True)
class StationOptions:
    """Options of the command, as they were given.

    Attributes:
        stations: File of observations.
        at: How fields are brought to stations.
        orography: File of the height of the model's surface.
        channels: Channels to verify.
        units: Units of the observations.
    """

    stations: Path | None
    at: str
    orography: str | None
    channels: tuple[str, ...]
    units: str | None

    def request(self) -> StationRequest:
        """Return the request that these options make.

        Raises:
            ConfigurationError: An option is wrong.
        """
        if self.at not in get_args(Method):
            raise ConfigurationError(f"--at: expected one of {', '.join(get_args(Method))}, found '{self.at}'")
        if len(self.channels) > 1:
            raise ConfigurationError(f"--channel: expected one at stations, found {', '.join(self.channels)}")
        quantity = self.channels[0] if self.channels else None
        return StationRequest(self.stations, cast(Method, self.at), self.orography, quantity, self.units)


def verify_and_print(forecasts: Sequence[str], options: StationOptions, out: Path | None, *, as_json: bool) -> None:
    """Verify forecasts at stations, write the scores and print them.

    Args:
        forecasts: Runs, files or tables.
        options: What they are verified with.
        out: File for the scores.
        as_json: Whether JSON is printed instead of a table.
    """
    report = verify_at_stations(options.request(), forecasts)
    if out is not None:
        write_report(report, out)
    if as_json:
        print(report_text(report))
        return
    print_report(report)
    if out is not None:
        print(f"Scores: {out}")
