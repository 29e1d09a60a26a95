"""How a value compares with a threshold when an event happens: one list for products and scores."""

from collections.abc import Callable
from typing import Any, Literal

Operator = Literal[">", ">=", "<", "<="]
"""How a value has to compare with a threshold for the event to happen."""
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
}
