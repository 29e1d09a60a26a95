"""What the documents name exists: paths of this repository, functions, and pages that link to each other."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "infra").rglob("*.md")])
PATH = re.compile(
    r"(?<![\w/.-])((?:data_catalog|forecast|pipelines|plumecast|tests|benchmarks|infra|docs|notebooks)/[\w./-]*\w)"
)
MODULE = re.compile(r"`((?:data_catalog|forecast|pipelines|plumecast)(?:\.\w+)+)`")
FUNCTION = re.compile(r"`((?:data_catalog|forecast|pipelines|plumecast)(?:\.\w+)+):(\w+)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def _text(page: Path) -> str:
    """The page without its code, which names files that an example creates."""
    return re.sub(r"```python.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_are_pages() -> None:
    assert len(PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(_text(page))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path) -> None:
    named = {match.rstrip(".") for match in PATH.findall(_text(page))}
    missing = sorted(name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*")))
    if page.name == "extending.md":  # speaks of modules that the reader will write
        missing = [name for name in missing if not re.search(r"table\.py|small\.py|damped\.py", name)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_functions_exist(page: Path) -> None:
    for module, name in FUNCTION.findall(_text(page)):
        source = (ROOT / Path(*module.split("."))).with_suffix(".py")
        defined = {getattr(node, "name", "") for node in ast.parse(source.read_text(encoding="utf-8")).body}
        assert name in defined, f"{module}:{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_exist(page: Path) -> None:
    """A dotted name is a module, or a name in one."""
    for dotted in MODULE.findall(_text(page)):
        whole, parent = ROOT / Path(*dotted.split(".")), ROOT / Path(*dotted.split(".")[:-1])
        assert any(place.exists() for place in (whole, whole.with_suffix(".py"), parent.with_suffix(".py"))) or (
            (parent / "__init__.py").exists() and dotted.rpartition(".")[2] in (parent / "__init__.py").read_text()
        ), dotted
