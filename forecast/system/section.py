"""What every part of the system file is made of."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of the system file: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    added: ClassVar[Mapping[str, Any]] = {}
    """Keys that came after the first release, with the value that means what it did before it had them."""

    def hashed_values(self) -> dict[str, Any]:
        """Plain values for a hash: a key that was added counts only where it changes something.

        So members of earlier releases can be made again, and unfinished trainings go on.
        """
        values = self.model_dump(mode="json")
        return {key: value for key, value in values.items() if key not in self.added or value != self.added[key]}
