"""Fields of a forecast that were fetched before a fetch was interrupted, beside the file that they are fetched for."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import decode, encode
from data_catalog.storage.atomic_files import write_durably

_DIGITS = 16


@dataclass(frozen=True)
class FetchedParts:
    """Fields of one request.

    Attributes:
        folder: Directory of the fields, hidden beside the file.
        key: What tells the request from others.
    """

    folder: Path
    key: str

    @classmethod
    def of(cls, out: Path, *request: object) -> "FetchedParts":
        """Return the place for fields of a request.

        Args:
            out: The file that they are fetched for.
            request: All that the fields depend on, as JSON or words can say it.
        """
        words = json.dumps(request, default=str)
        return cls(out.with_name(f".{out.name}.parts"), hashlib.sha256(words.encode()).hexdigest()[:_DIGITS])

    def field(
        self, name: str, lead_hours: int, shape: Sequence[int], fetch: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return a field, which is fetched and kept unless it was before; a damaged one is fetched again.

        Args:
            name: Channel.
            lead_hours: Lead time.
            shape: Of the values.
            fetch: Fetches the values.
        """
        path = self.folder / f"{self.key}-{name}-{lead_hours}.part"
        try:
            return decode(path.read_bytes(), shape)
        except (FileNotFoundError, ValueError):
            values = fetch()
            write_durably(path, encode(values))
            return values

    def forget(self) -> None:
        """Remove all fields, also of other requests for the same file, which is there now."""
        shutil.rmtree(self.folder, ignore_errors=True)
