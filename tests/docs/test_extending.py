"""The examples of docs/extending.md work as they stand, each section from an empty start."""

import re
from pathlib import Path

import pytest

from forecast.diffusion import samplers

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
SECTIONS = {
    section.splitlines()[0]: re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
}


def test_every_kind_is_there() -> None:
    assert list(SECTIONS) == ["A source", "A score", "A sampler", "A network", "An anchor", "A product"]


@pytest.mark.parametrize("title", SECTIONS)
def test_the_example_works(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(samplers, "SAMPLING_STEPS", dict(samplers.SAMPLING_STEPS))
    blocks = SECTIONS[title]
    assert blocks
    assert any("assert" in block for block in blocks)
    namespace: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, f"{PAGE.name}: {title}", "exec"), namespace)
