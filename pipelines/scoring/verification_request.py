"""What forecasts that exist are verified against."""

from dataclasses import dataclass
from pathlib import Path

from data_catalog.sources.locations import Location
from forecast.system.system import System
from pipelines.workspace.home import Home


@dataclass(frozen=True)
class VerificationRequest:
    """What forecasts are verified against, as far as the user names it; the rest is found.

    Attributes:
        home: Where archives, checkpoints and score archives are looked for.
        analysis: Archive, file or URL; the archive of the system's dataset when None.
        system: Whose regions, dataset and score archive to use; a run's own when None.
        scores: Score archive.
        checkpoint: Directory of the baselines.
        forecaster: Name of forecasts from elsewhere in the score archive.
        channels: Of forecasts from elsewhere; all that they have when empty.
    """

    home: Home
    analysis: Location | None = None
    system: System | None = None
    scores: Path | None = None
    checkpoint: Path | None = None
    forecaster: str | None = None
    channels: tuple[str, ...] = ()

    def score_archive(self, name: str) -> Path:
        """Score archive of forecasts.

        Args:
            name: Name of their system or forecaster, which counts unless an archive or a system is named.
        """
        return self.scores or self.home.score_archive(self.system.name if self.system is not None else name)
