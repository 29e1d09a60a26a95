"""The home directory."""

from pathlib import Path

import pytest

from pipelines.workspace.home import home


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLUMECAST_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert home().root == tmp_path / "plumecast-data"
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "elsewhere"))
    assert home().archive("a") == tmp_path / "elsewhere" / "archives" / "a.zarr"
    assert home().search("a") == tmp_path / "elsewhere" / "searches" / "a"
    assert home(Path("given")).root == tmp_path / "given"
