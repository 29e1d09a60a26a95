"""Commands for the models of a system in operation."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import SystemName
from pipelines.workspace.home import Home, home

commands = typer.Typer()

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="First digits of its identity, as 'plumecast models' shows it.")
]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the registry.")]


@commands.command()
def models(
    system: SystemName,
    as_json: Annotated[bool, typer.Option("--json", help="Print every change as JSON.")] = False,
) -> None:
    """Show the models of a system: the live one, shadows, candidates and those that are retired."""
    import json

    from pipelines.operations.promotion import model_lines
    from pipelines.workspace.model_registry import ModelRegistry
    from pipelines.workspace.systems import find_system

    registry = ModelRegistry.read(home().models(find_system(system).name))
    if as_json:
        print(json.dumps([record.model_dump() for record in registry.records], indent=2))
        return
    none = [f"No model of '{system}' is registered; start with 'plumecast register {system} CHECKPOINT'."]
    print("\n".join(model_lines(registry) or none))


@commands.command()
def register(
    system: SystemName,
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="Directory of a checkpoint.")],
    reason: Why = "",
) -> None:
    """Copy a checkpoint into the registry of a system as a candidate; what is in use becomes the live model."""
    from pipelines.operations.promotion import model_line, register_model
    from pipelines.workspace.systems import find_system

    print(model_line(register_model(home(), find_system(system), checkpoint, reason)))


@commands.command()
def shadow(
    system: SystemName,
    model: Model,
    off: Annotated[bool, typer.Option("--off", help="Let it run no longer.")] = False,
    reason: Why = "",
) -> None:
    """Let a candidate forecast and be scored on the same cycles as the live model, beside it."""
    from pipelines.operations.promotion import model_line, set_shadow

    print(model_line(set_shadow(*_of(system), model, shadow=not off, reason=reason)))


@commands.command()
def promote(
    system: SystemName,
    model: Model,
    without_proof: Annotated[
        str | None, typer.Option(metavar="REASON", help="Promote although nothing shows that it is not worse.")
    ] = None,
) -> None:
    """Make a model the live one from the next cycle on, if cycles that both were scored on show that it is no worse."""
    from pipelines.operations.promotion import model_line
    from pipelines.operations.promotion import promote as promote_model

    print(model_line(promote_model(*_of(system), model, without_proof=without_proof)))


@commands.command()
def rollback(system: SystemName, reason: Why = "") -> None:
    """Make the model that was live before the present one the live one again."""
    from pipelines.operations.promotion import model_line, roll_back

    print(model_line(roll_back(*_of(system), reason)))


def _of(system: str) -> tuple[Home, str]:
    from pipelines.workspace.systems import find_system

    return home(), find_system(system).name
