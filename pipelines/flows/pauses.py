"""Pauses a scheduled cycle while a disk is full."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data_catalog.storage.disks import as_full_disk, free_bytes
from pipelines.flows.retries import is_scheduled

logger = logging.getLogger("plumecast")
R = TypeVar("R")
ROOM_BYTES = 64 * 2**20
"""A cycle goes on once this much is free; if that is too little, it pauses again."""
PAUSE_SECONDS = 60.0


def when_there_is_room(action: Callable[[], R], place: Path) -> R:
    """Do something that continues where it stopped; on a full disk, wait for room and do it again.

    At a terminal a full disk is an error at once.

    Args:
        action: What is done.
        place: Where it writes, for errors that do not say so.

    Raises:
        FullDiskError: A disk is full, and a user is waiting.
    """
    while True:
        try:
            return action()
        except Exception as error:
            full = as_full_disk(error, place)
            if full is None:
                raise
            if not is_scheduled():
                raise full from error
        logger.warning("%s; paused until %.0f MiB are free on %s", full, ROOM_BYTES / 2**20, full.mount)
        _await_room(full.mount)
        logger.info("There is room on %s again, and the cycle goes on", full.mount)


def _await_room(mount: Path) -> None:
    time.sleep(PAUSE_SECONDS)  # also where something else frees room at once, such as the clean-up after the failure
    while free_bytes(mount) < ROOM_BYTES:
        time.sleep(PAUSE_SECONDS)
