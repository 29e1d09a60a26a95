"""Prefect's settings before it is imported."""

import os
from pathlib import Path

import pytest

from pipelines.flows.environment import configured_address, has_own_prefect, prepare_prefect
from pipelines.workspace.home import Home


def test_prefect_lives_in_the_home_unless_the_user_has_one(
    place: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = dict(os.environ)
    monkeypatch.setattr(os, "environ", environment)
    assert not has_own_prefect()
    prepare_prefect(place)
    assert environment["PREFECT_HOME"] == str(place.prefect)
    assert place.prefect.is_dir()
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    del environment["PREFECT_HOME"]
    (tmp_path / ".prefect").mkdir()
    profiles = "active = 'x'\n[profiles.x]\nPREFECT_API_URL = 'http://there/api'\n"
    (tmp_path / ".prefect" / "profiles.toml").write_text(profiles)
    prepare_prefect(place)
    assert "PREFECT_HOME" not in environment
    assert configured_address() == "http://there/api"
