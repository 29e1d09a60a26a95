"""Commands about datasets and their archives."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import SourceOption

commands = typer.Typer()
catalog_app = typer.Typer(rich_markup_mode=None, help="Known datasets, and the state of their archives.")
commands.add_typer(catalog_app, name="catalog")


@catalog_app.command("list")
def catalog_list() -> None:
    """List the known datasets."""
    from pipelines.data.listing import print_datasets
    from pipelines.workspace.home import home

    print_datasets(home())


@catalog_app.command("show")
def catalog_show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET")],
    deep: Annotated[bool, typer.Option("--deep", help="Read every chunk of the archive.")] = False,
) -> None:
    """Show one dataset: source and licence, and whether its archive exists, up to which time, and is sound."""
    from pipelines.data.listing import print_dataset
    from pipelines.workspace.home import home

    print_dataset(home(), dataset, deep=deep)


@commands.command()
def ingest(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A name that 'catalog list' shows, or a TOML file.")
    ],
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First time to ingest.")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last time to ingest.")] = None,
    source: SourceOption = None,
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="Archive to write instead.")] = None,
) -> None:
    """Copy a source into the local archive and check it; resumes, appends new times, fills holes, repairs damage."""
    from pipelines.data.ingest import describe, ingest_dataset
    from pipelines.terminal.times import parse_moment
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    place = archive or home().archive(entry.name)
    first = parse_moment(start, "--start") if start else None
    last = parse_moment(end, "--end") if end else None
    summary = ingest_dataset(entry, place, source=source, start=first, end=last)
    print(describe(summary))
