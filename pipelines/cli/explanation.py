"""The command that explains a run."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AnalysisOption, CheckpointOption, Device

commands = typer.Typer()


@commands.command()
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    place: Annotated[
        str,
        typer.Option(
            metavar="51.5,0|NAME", help="Degrees north and east, a point of the system, or a region it scores."
        ),
    ],
    lead: Annotated[str | None, typer.Option(metavar="5d", help="Lead time [default: the run's last].")] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Channel [default: the first on the run's page].")
    ] = None,
    members: Annotated[int | None, typer.Option(min=3, help="The first N members [default: all].")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory [default: PLUMECAST_HOME/explanations/...].")
    ] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    device: Device = "auto",
) -> None:
    """Explain a forecast at a place: what its mean and spread hang on, by gradients through the model.

    Writes NetCDF and a figure, and prints what they say. The run itself is not changed.
    """
    from pipelines.terminal.parts import require

    require("torch")
    from pipelines.operations.explaining import ExplanationRequest, explain_run
    from pipelines.runs.original_inputs import Sources
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home

    sources = Sources(home(), checkpoint, analysis, choose_device(device))
    made = explain_run(ExplanationRequest(run, place, sources, lead, channel, members, out))
    print(made.words)
    print(f"Figure: {made.figure}")
    print(f"NetCDF: {made.netcdf}")
