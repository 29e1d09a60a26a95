"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer


def complete_system(incomplete: str) -> list[str]:
    """Return the names of shipped systems that begin so, for the shell."""
    from pipelines.workspace.systems import system_names

    return [name for name in system_names() if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Return the names of datasets that begin so, for the shell."""
    from pipelines.workspace.datasets import known_names
    from pipelines.workspace.home import home

    return [name for name in known_names(home()) if name.startswith(incomplete)]


SystemName = Annotated[
    str,
    typer.Argument(metavar="SYSTEM", help="Shipped name, or path to a TOML file.", autocompletion=complete_system),
]
DatasetName = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A name that 'catalog list' shows, or a TOML file.",
        autocompletion=complete_dataset,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Device = Annotated[str, typer.Option(help="Device to compute on: auto, cpu or cuda.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes on this machine to use; one per GPU, if there are any.")]
BandsOption = Annotated[
    int,
    typer.Option(
        "--bands",
        min=1,
        metavar="N",
        help="Successive processes that compute each globe together, in bands of latitudes; divides their number.",
    ),
]
StepOption = Annotated[
    str | None,
    typer.Option("--step", metavar="12h", help="Step length, one that the model has learned [default: the system's]."),
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="DIR", help="Checkpoint [default: the one trained here, else the shipped one]."
    ),
]
AnalysisOption = Annotated[
    str | None,
    typer.Option(
        "--analysis", metavar="FILE_OR_ARCHIVE", help="Analysis, also by URL [default: the archive of the dataset]."
    ),
]
ScoresOption = Annotated[
    Path | None,
    typer.Option("--scores", metavar="DIR", help="Score archive [default: PLUMECAST_HOME/scores/<system>]."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="PATH_OR_URL", help="Read from here instead of the catalogue's source."),
]
SchedulerOption = Annotated[
    str,
    typer.Option(
        "--scheduler", metavar="local|processes|tcp://HOST:PORT", help="Where to compute: here, or by Dask's workers."
    ),
]
AllowSuspect = Annotated[
    bool, typer.Option("--allow-suspect", help="Start even from an analysis that the checks suspect.")
]
PublishAnyway = Annotated[bool, typer.Option("--publish-anyway", help="Publish the run even if it fails its checks.")]
ForecasterOption = Annotated[
    str | None,
    typer.Option(help="Name of foreign forecasts in the score archive [default: that of the file or its directory]."),
]
StationsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Verify at stations instead, against this file of observations (CSV or NetCDF)."),
]
PlaceMethodOption = Annotated[
    str, typer.Option("--at", metavar="nearest|linear|height", help="How fields are brought to stations.")
]
OrographyOption = Annotated[
    str | None,
    typer.Option("--orography", metavar="FILE", help="Height of the model's surface, for --at height."),
]
UnitsOption = Annotated[
    str | None, typer.Option("--units", help="Units of the observations [default: what the file says].")
]
ChannelsOption = Annotated[
    list[str] | None,
    typer.Option("--channel", help="Channel of a foreign file; repeat for several [default: all in the file]."),
]
JudgingSystemOption = Annotated[
    str | None,
    typer.Option(
        "--system", metavar="SYSTEM", help="Verify with the analysis, regions and score archive of this system."
    ),
]
