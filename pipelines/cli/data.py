"""Commands about datasets and their archives."""

import os
from pathlib import Path
from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli.help import HelpfulGroup
from pipelines.cli.options import DatasetName, JsonOption, SchedulerOption, SourceOption

commands = typer.Typer()
catalog_app = typer.Typer(
    cls=HelpfulGroup, rich_markup_mode=None, help="Known datasets, and the state of their archives."
)
archive_app = typer.Typer(
    cls=HelpfulGroup, rich_markup_mode=None, help="Prove, mend and show the local archive of a dataset."
)
commands.add_typer(catalog_app, name="catalog")
commands.add_typer(archive_app, name="archive")


def local_directory(text: str) -> Path:
    """Return the path of an archive that has to be on disk; refuse a URL."""
    if "://" in text:
        raise ConfigurationError(
            f"--archive {text}: expected a directory, found a URL; this needs an archive on disk, and "
            "'plumecast archive copy' brings it to object storage"
        )
    return Path(text)


ReadArchiveOption = Annotated[
    str | None,
    typer.Option(
        "--archive", metavar="DIR_OR_URL", help="Archive, also in object storage [default: the dataset's at home]."
    ),
]
WrittenArchiveOption = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="DIR_OR_URL",
        help="Archive, also in object storage [default: the dataset's in PLUMECAST_HOME].",
    ),
]
ArchiveOption = Annotated[
    Path | None,
    typer.Option(
        "--archive",
        metavar="DIR",
        parser=local_directory,
        help="Archive [default: the dataset's in PLUMECAST_HOME].",
    ),
]


@catalog_app.command("list")
def catalog_list(as_json: JsonOption = False) -> None:
    """List the known datasets."""
    from pipelines.data.listing import datasets_as_json, print_datasets
    from pipelines.workspace.home import home

    if as_json:
        print(datasets_as_json(home()))
    else:
        print_datasets(home())


@catalog_app.command("show")
def catalog_show(
    dataset: DatasetName,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte, as 'archive verify' does.")] = False,
) -> None:
    """Show one dataset: source and licence, and whether its archive exists, up to which time, and is sound."""
    from pipelines.data.listing import print_dataset
    from pipelines.workspace.home import home

    print_dataset(home(), dataset, deep=deep)


@commands.command("new-dataset")
def new_dataset(
    location: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_URL", help="NetCDF, GRIB or Zarr: file, directory, pattern of names, or URL."),
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the dataset: lower-case letters, digits, hyphens.")
    ],
    title: Annotated[str | None, typer.Option(help="Title [default: that of the data].")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence [default: that of the data].")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="The weather is a model's own, not real.")] = False,
    channel: Annotated[
        list[str] | None, typer.Option(metavar="CHANNEL", help="Take only this; repeat for several [default: all].")
    ] = None,
    declare: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="Declare this field as a new variable; repeat for several."),
    ] = None,
) -> None:
    """Look at data and write a dataset file for it into PLUMECAST_HOME/datasets; 'ingest NAME' then reads it."""
    from pipelines.data.new_dataset import NewDataset, describe, write_new_dataset
    from pipelines.workspace.home import home

    wanted = NewDataset(location, name, title, licence, simulated, tuple(channel or ()), tuple(declare or ()))
    print(describe(*write_new_dataset(home(), wanted)))


@commands.command()
def ingest(
    dataset: DatasetName,
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First time to ingest.")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last time to ingest.")] = None,
    source: SourceOption = None,
    archive: WrittenArchiveOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take values that differ from archived ones as corrections.")
    ] = False,
    read_twice: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Share of a remote store's chunks to read twice, where it states no checksum [default: 1/32].",
        ),
    ] = None,
    scheduler: SchedulerOption = "local",
    flow: Annotated[
        bool, typer.Option("--flow", help="As a Prefect flow: a task a month, with retries, limits and a table.")
    ] = False,
) -> None:
    """Copy a source into the archive and check it; resumes, appends new times, fills holes, repairs damage."""
    from data_catalog.storage.patience import TWICE_VARIABLE
    from pipelines.data.ingest import describe, ingest_dataset
    from pipelines.data.written_archives import written_archive
    from pipelines.terminal.times import parse_moment
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import open_scheduler

    if read_twice is not None:
        os.environ[TWICE_VARIABLE] = str(read_twice)  # also for processes that this one starts
    entry = find_dataset(home(), dataset)
    first = parse_moment(start, "--start") if start else None
    last = parse_moment(end, "--end") if end else None
    if flow:
        place = home().archive(entry.name) if archive is None else local_directory(archive)
        print(_ingest_months(dataset, (start, end), source, place, replace=replace, scheduler=scheduler))
        return
    with written_archive(home(), entry, archive) as written, open_scheduler(scheduler, home()) as workers:
        summary = ingest_dataset(
            entry, written.path, source=source, start=first, end=last, replace=replace, workers=workers
        )
    print(written.named(describe(summary)))


def _ingest_months(
    dataset: str,
    period: tuple[str | None, str | None],
    source: str | None,
    archive: Path,
    *,
    replace: bool,
    scheduler: str,
) -> str:
    """Run the flow of an ingest month by month; return its summary."""
    from pydantic import SecretStr

    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import check_scheduler

    require("prefect")
    check_scheduler(scheduler)
    prepare_prefect(home())
    from pipelines.flows.server import short_lived_server

    secret, start, end = None if source is None else SecretStr(source), *period
    with short_lived_server(home()):
        from pipelines.flows.monthly import months_flow
        from pipelines.flows.pending import reported

        with reported():
            return months_flow(
                dataset,
                str(home().root),
                start=start,
                end=end,
                source=secret,
                archive=str(archive.absolute()),
                replace=replace,
                scheduler=scheduler,
            )


@commands.command()
def regrid(
    location: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_URL", help="NetCDF, GRIB or Zarr: file, directory, pattern of names, or URL."),
    ],
    grid: Annotated[
        str,
        typer.Option(metavar="GRID", help="SOUTH:NORTH:STEP,WEST:EAST:STEP in degrees, or a dataset with this grid."),
    ],
    method: Annotated[str, typer.Option(metavar="METHOD", help="conservative, bilinear or nearest.")],
    out: Annotated[Path, typer.Option(metavar="FILE.nc", help="NetCDF file to write.")],
    scheduler: SchedulerOption = "local",
) -> None:
    """Bring the analyses of a file to another grid, also from a curvilinear one; nothing is extrapolated."""
    from pipelines.data.regrid import regrid_file
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import open_scheduler

    with open_scheduler(scheduler, home()) as workers:
        print(regrid_file(home(), location, grid=grid, method=method, out=out, workers=workers))


@commands.command()
def climatology(
    dataset: DatasetName,
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First day [default: the archive's].")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last day [default: the archive's].")] = None,
    quantile: Annotated[
        list[float] | None,
        typer.Option(metavar="SHARE", min=0, max=1, help="Quantile; repeat for several [default: .01 to .99]."),
    ] = None,
    memory: Annotated[float, typer.Option(metavar="GB", min=0.1, help="Memory to use, about.")] = 1.0,
    archive: ArchiveOption = None,
    scheduler: SchedulerOption = "local",
) -> None:
    """Compute mean, spread and quantiles by hour and day of the year from an archive, and write them beside it."""
    from pipelines.data.climatology import print_climatology
    from pipelines.terminal.times import parse_moment
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import open_scheduler

    entry = find_dataset(home(), dataset)
    first, last = (
        parse_moment(text, option) if text else None for text, option in ((start, "--start"), (end, "--end"))
    )
    chosen = None if quantile is None else tuple(sorted(quantile))
    place = archive or home().archive(entry.name)
    with open_scheduler(scheduler, home()) as workers:
        print_climatology(place, first, last, quantiles=chosen, memory_gb=memory, workers=workers)


@archive_app.command("verify")
def archive_verify(
    dataset: DatasetName, archive: ReadArchiveOption = None, scheduler: SchedulerOption = "local"
) -> None:
    """Read every byte of an archive: one line for each fault, status 2 if there is any."""
    from pipelines.data.archives import print_proof, readable_archive
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import open_scheduler

    entry = find_dataset(home(), dataset)
    with open_scheduler(scheduler, home()) as workers:
        print_proof(entry, home().archive(entry.name) if archive is None else readable_archive(archive), workers)


@archive_app.command("judge")
def archive_judge(dataset: DatasetName, archive: WrittenArchiveOption = None) -> None:
    """Judge the times of an archive that were not judged yet: good, or suspect and why; ingest judges new ones."""
    from pipelines.data.archives import judge_now
    from pipelines.data.written_archives import written_archive
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    with written_archive(home(), entry, archive) as written:
        judge_now(written.path)


@archive_app.command("rechunk")
def archive_rechunk(dataset: DatasetName, archive: ArchiveOption = None) -> None:
    """Make a twin with chunks long in time beside an archive, for series at few points; make it again after ingests."""
    from pipelines.data.archives import rechunk
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    rechunk(archive or home().archive(entry.name))


@archive_app.command("copy")
def archive_copy(
    dataset: DatasetName,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="s3://, gs://, az:// or file:///; ends in the copy's name.")
    ],
    prove: Annotated[
        bool, typer.Option("--prove", help="Prove all that is there; send again what is damaged.")
    ] = False,
    archive: ArchiveOption = None,
) -> None:
    """Copy an archive to object storage, or what a copy there lacks; it is read there wherever an analysis is named.

    Readers find a whole archive at any moment. Credentials come from the environment.
    """
    from pipelines.data.archives import copy
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    copy(archive or home().archive(entry.name), url, prove=prove)


@archive_app.command("report")
def archive_report(
    dataset: DatasetName,
    archive: ReadArchiveOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="The page [default: DATASET_archive.html].")
    ] = None,
) -> None:
    """Write a page on an archive: what is there, what is suspect and why, values over time, maps, provenance."""
    from pipelines.data.archive_report import write_archive_report
    from pipelines.data.archives import readable_archive
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    place = home().archive(entry.name) if archive is None else readable_archive(archive)
    print(write_archive_report(entry, place, out or Path(f"{entry.name}_archive.html")))


@archive_app.command("heal")
def archive_heal(dataset: DatasetName, source: SourceOption = None, archive: WrittenArchiveOption = None) -> None:
    """Mend what is damaged or lost in an archive; values come from the source, and must be those archived before."""
    from pipelines.data.archives import mend
    from pipelines.data.written_archives import written_archive
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    with written_archive(home(), entry, archive) as written:
        mend(entry, written.path, source=source, name=written.place)
