"""The base class of every part of the system file, and the number types that its keys share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of the system file: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    added: ClassVar[Mapping[str, Any]] = {}
    """Keys added after the first release, each with the value that reproduces what earlier releases did."""

    def changed(self, **changes: object) -> Self:
        """Return a copy with some keys changed, checked in the same way as a section that is read from a file.

        Args:
            changes: New values by key. A nested section is given as a section or as a table of all its keys; a key
                that such a table leaves out takes its default, not the value that it has here.

        Raises:
            pydantic.ValidationError: A key is unknown, a value is not allowed, or values contradict each other.
        """
        return type(self).model_validate({**dict(self), **changes})

    def hashed_values(self) -> dict[str, Any]:
        """Return the plain values that enter a hash: keys in `added` only where they differ from the value there.

        This keeps hashes what they were before those keys existed, so that members of earlier releases can be
        reproduced and unfinished trainings resumed.
        """
        values = self.model_dump(mode="json")
        return {key: value for key, value in values.items() if key not in self.added or value != self.added[key]}
