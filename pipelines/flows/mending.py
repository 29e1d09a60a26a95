"""Mends the archive of a system, in a cycle that met damage there, and goes on."""

import logging
from collections.abc import Callable
from typing import TypeVar

from data_catalog.archive.healing import counted
from data_catalog.errors import InvalidDataError
from pipelines.flows import tasks
from pipelines.operations.cycles import SystemCycles

logger = logging.getLogger("plumecast")
R = TypeVar("R")


def with_sound_archive(
    action: Callable[[], R], cycles: SystemCycles, source: str | None, remarks: list[str] | None = None
) -> R:
    """Do something that reads the archive of a system; if it meets damage there, mend the archive and do it again.

    Args:
        action: What is done.
        cycles: The cycles of the system.
        source: Path or URL to mend from; None for the catalogue's source.
        remarks: Takes a remark on what was mended.

    Raises:
        InvalidDataError: The archive is sound, so that the error has another cause, or its source cannot mend it.
        ConfigurationError: It has no source to mend it from.
    """
    archive = cycles.home.archive(cycles.system.dataset)
    try:
        return action()
    except InvalidDataError as error:
        if str(archive) not in str(error):
            raise
        logger.warning("%s; the archive is mended from its source", error)
        mended = tasks.mend_archive(str(cycles.home.root), cycles.system.entry, source)
        if not mended:
            raise
    logger.warning("%s: %s mended", archive, counted(mended))
    if remarks is not None:
        remarks.append(f"the archive was damaged, and {counted(mended)} mended: {mended[0]}")
    return action()
