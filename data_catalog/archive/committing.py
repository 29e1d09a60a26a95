"""Commits the new blocks of an archive, several at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from data_catalog.archive.ledger import Ledger
from data_catalog.archive.packing import PackedBlock
from data_catalog.storage.atomic_files import move_durably

_SECONDS = 5.0
_MOST_BLOCKS = 64


class Commits:
    """Blocks that are packed but not committed: a kill loses at most those of the last seconds."""

    def __init__(self, ledger: Ledger, on_commit: Callable[[int], None]) -> None:
        self._ledger = ledger
        self._on_commit = on_commit
        self._pending: list[PackedBlock] = []
        self._last = time.monotonic()

    def add(self, packed: Sequence[PackedBlock]) -> None:
        """Take up blocks, in order; commit those so far every few seconds.

        Args:
            packed: The blocks that follow those before.
        """
        self._pending += packed
        if len(self._pending) >= _MOST_BLOCKS or time.monotonic() - self._last >= _SECONDS:
            self.commit()

    def commit(self) -> None:
        """Give the chunks their names and record the blocks, each of these steps for all of them at once."""
        blocks, self._pending = self._pending, []
        if blocks:
            move_durably({partial: path for one in blocks for partial, path in one.moves.items()})
            self._ledger.commit_new([one.block for one in blocks])
            for one in blocks:
                self._on_commit(len(one.block.times))
        self._last = time.monotonic()


@contextmanager
def committing(ledger: Ledger, on_commit: Callable[[int], None]) -> Iterator[Commits]:
    """Commit what is added while the block runs, also where it ends in an error.

    Args:
        ledger: Ledger of the archive, whose lock the caller holds.
        on_commit: Called with the number of times of each committed block.
    """
    commits = Commits(ledger, on_commit)
    try:
        yield commits
    finally:
        commits.commit()
