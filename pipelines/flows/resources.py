"""What a scheduled cycle computes with: what its machine has, not what is forecast."""

from forecast.system.section import Positive, Section
from pipelines.workspace.scheduler import LOCAL


class Resources(Section):
    """What a scheduled cycle computes with."""

    processes: Positive = 1
    """Processes on its machine that divide the members of a run."""
    scheduler: str = LOCAL
    """What reads and packs new data and scores runs, as in `--scheduler`."""


ONE_PROCESS = Resources()
"""The threads of the process of the cycle."""
