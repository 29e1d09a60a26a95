"""Proves and mends the archive of a dataset, for a command."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from data_catalog.archive import holes
from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.copying import copy_archive, file_count
from data_catalog.archive.healing import archive_faults, counted, heal_archive
from data_catalog.archive.ingest import archive_lock
from data_catalog.archive.judging import judge_archive
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.recovery import sound_ledger
from data_catalog.archive.series import make_series, read_series, series_faults, series_path
from data_catalog.archive.state import inspect_archive
from data_catalog.archive.verdicts import described
from data_catalog.archive.workers import Workers
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.quality.judge import FEWEST_TIMES
from data_catalog.sources.archive_marks import without_advice
from data_catalog.sources.locations import parse_location
from data_catalog.storage.folders import folder_at
from data_catalog.storage.object_path import AnyPath, in_object_storage, object_path
from forecast.system.publish import check_destination
from pipelines.data.ingest import check_has_source
from pipelines.terminal.progress import progress


def print_proof(entry: DatasetEntry, archive: AnyPath, workers: Workers | None = None) -> None:
    """Read every byte of an archive, and print one line for each fault.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive, or its address in object storage.
        workers: What reads the chunks; None for threads of this process.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The archive has faults; raised after they have been printed.
    """
    faults = [*archive_faults(archive, workers), *(series_faults(archive) if isinstance(archive, Path) else ())]
    for fault in faults:
        print(fault if isinstance(archive, Path) else without_advice(fault))
    if faults:
        copied = f"'plumecast archive copy {entry.name} {archive} --prove' sends them again"
        way_out = f"'plumecast archive heal {entry.name}' mends them" if isinstance(archive, Path) else copied
        raise InvalidDataError(f"archive {archive}: expected no faults, found {len(faults)}; {way_out}")
    print(f"{archive}: sound, every byte read")
    if isinstance(archive, Path):
        _print_age_of_twin(archive)
    print_verdicts(archive)


def _print_age_of_twin(archive: Path) -> None:
    """Print a line if the archive has changed since its twin for point series was made; that is no fault."""
    if series_path(archive).exists():
        try:
            read_series(archive, Ledger.read(archive).identity())
        except MissingDataError as outdated:
            print(outdated)


def readable_archive(location: str) -> AnyPath:
    """Return the address of an archive that is read: a directory, or one in object storage.

    Args:
        location: Path or URL given by the user.

    Raises:
        ConfigurationError: It is a URL of another kind.
    """
    place = parse_location(location)
    if isinstance(place, str) and not in_object_storage(place):
        raise ConfigurationError(f"archive {place}: expected a directory or a URL of s3, gs or az, found another one")
    return object_path(place)


def print_verdicts(archive: AnyPath) -> None:
    """Print how many times of an archive are good, suspect, missing and not judged, and what is suspect and why.

    Args:
        archive: Path of the archive.
    """
    state = inspect_archive(archive, deep=False)
    ledger = Ledger.read(archive)
    for line in described(ledger.verdicts, state.times, state.holes):
        print(line)
    if ledger.releases.preliminary:
        print(f"{len(ledger.releases.preliminary)} times preliminary, to be replaced once their source has final ones")
    for line in holes.described(ledger.holes, state.holes, state.times):
        print(f"hole: {line}")


def judge_now(archive: Path) -> None:
    """Judge every time of an archive that was not judged yet, and print all verdicts.

    Args:
        archive: Path of the archive.

    Raises:
        MissingDataError: There is no archive, or another process is writing to it.
        InvalidDataError: The archive is damaged, or too short to tell what is usual.
    """
    count = Ledger.read(archive).count
    if count < FEWEST_TIMES:
        raise InvalidDataError(f"{archive}: expected at least {FEWEST_TIMES} times to judge by, found {count}")
    with archive_lock(archive):
        ledger = sound_ledger(archive)
        if ledger is None:
            raise InvalidDataError(f"{archive}: expected a sound ledger, found none; 'plumecast archive heal' mends it")
        judge_archive(archive, ledger)
    print_verdicts(archive)


def mend(entry: DatasetEntry, archive: Path, *, source: str | None = None, name: str | None = None) -> None:
    """Mend an archive, and print one line for each fault that was mended.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive.
        source: Path or URL to use instead of the catalogue's source.
        name: Where the archive lies, if this is a working copy of it.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The source cannot mend all of it.
        ConfigurationError: A source is needed, and there is none.
    """
    mended = heal(entry, archive, source)
    shown = str(archive) if name is None else name
    for fault in mended:
        print(f"mended: {fault.replace(str(archive), shown)}")
    print(f"{shown}: sound, {counted(mended)} mended")


def copy(archive: Path, url: str, *, prove: bool = False) -> None:
    """Copy an archive to object storage, and print how much was sent.

    Args:
        archive: Path of the archive.
        url: Where the copy lies, or is to lie.
        prove: Whether to prove every file that is there.

    Raises:
        PlumecastError: It cannot be copied.
    """
    try:
        folder = folder_at(parse_location(check_destination(url)))
    except ValueError as error:
        raise ConfigurationError(f"archive copy: {error}, found another one") from None
    with progress(f"Copy {archive.name}", file_count(archive), "files") as advance:
        sent = copy_archive(archive, folder, prove=prove, on_progress=advance)
    print(f"{folder.place}: as {archive}, {sent} chunks and fields sent")


def heal(entry: DatasetEntry, archive: Path, source: str | None = None) -> tuple[str, ...]:
    """Mend an archive, and return one line for each fault that was mended.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive.
        source: Path or URL to use instead of the catalogue's source.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The source cannot mend all of it.
        ConfigurationError: A source is needed, and there is none.
    """
    return heal_archive(entry, archive, _opening(entry, source))


def rechunk(archive: Path) -> None:
    """Make the twin of an archive whose chunks are long in time, and print where it is.

    Args:
        archive: Path of the archive.

    Raises:
        MissingDataError: There is no archive, or another process is writing to it.
        InvalidDataError: A chunk of the archive is damaged.
    """
    Ledger.read(archive)
    with archive_lock(archive):
        series = make_series(archive)
    size = sum(chunk.size for chunk in series.chunks.values()) / 2**20
    print(f"{series.path}: {len(series.chunks)} chunks of {'x'.join(map(str, series.shape))} values, {size:.1f} MiB")


def _opening(entry: DatasetEntry, source: str | None) -> Callable[[], xr.Dataset]:
    def opened() -> xr.Dataset:
        check_has_source(entry, source)
        return open_dataset_source(entry, source)

    return opened
