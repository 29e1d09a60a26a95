"""Who may be told, and what is refused."""

from pathlib import Path

import pytest

from forecast.system.announce import Announce


def test_nobody_is_told_by_default() -> None:
    assert Announce() == Announce(webhook=None, directory=None)
    assert Announce(directory=Path("/done")).directory == Path("/done")


@pytest.mark.parametrize(
    "rules",
    [
        {"webhook": "https://me:secret@example.org/"},
        {"webhook": "https://example.org/?token=secret"},
        {"webhook": "ftp://example.org/"},
        {"directory": "done"},
        {"notify": "on-call"},
    ],
)
def test_secrets_and_relative_paths_are_refused(rules: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"expected|should match"):
        Announce.model_validate(rules)
