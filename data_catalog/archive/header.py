"""The fixed properties of an archive, which are the first line of its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.storage.chained_lines import CHAINED


@dataclass(frozen=True)
class Header:
    """The fixed properties of an archive."""

    dataset: str
    channels: tuple[str, ...]
    static: Mapping[str, str]
    """SHA-256 of the values of each channel without time, by name."""
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    times_per_block: int
    attributes: Mapping[str, str]
    field_attributes: Mapping[str, Mapping[str, str]]
    members: tuple[int, ...] = ()
    """Numbers of the members of each analysis; empty for an archive of single analyses."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of a channel with time."""
        return ("time", *(("member",) if self.members else ()), "latitude", "longitude")

    @property
    def field_shape(self) -> tuple[int, ...]:
        """Shape of a channel at one time: ([member,] latitude, longitude)."""
        return (*((len(self.members),) if self.members else ()), self.latitude.size, self.longitude.size)

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Shape of a chunk: (time, [member,] latitude, longitude)."""
        return (self.times_per_block, *self.field_shape)

    def as_record(self) -> dict[str, Any]:
        """The header as the JSON object of the ledger's first line; `members` is left out where there are none."""
        return {
            "record": "archive",
            "format": CHAINED,
            "dataset": self.dataset,
            "channels": list(self.channels),
            **({"members": list(self.members)} if self.members else {}),
            "static": dict(self.static),
            "latitude": self.latitude.tolist(),
            "longitude": self.longitude.tolist(),
            "times_per_block": self.times_per_block,
            "attributes": dict(self.attributes),
            "field_attributes": {name: dict(attributes) for name, attributes in self.field_attributes.items()},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Header":
        """Build the header from the JSON object of the ledger's first line."""
        return cls(
            dataset=record["dataset"],
            channels=tuple(record["channels"]),
            static=record["static"],
            latitude=np.array(record["latitude"], np.float64),
            longitude=np.array(record["longitude"], np.float64),
            times_per_block=record["times_per_block"],
            attributes=record["attributes"],
            field_attributes=record["field_attributes"],
            members=tuple(record.get("members", ())),
        )
