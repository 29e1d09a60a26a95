"""Commands that infra/ gives to schedulers and services exist, with the options that they are given."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli.app import app

_FOLDER = Path(__file__).parents[2] / "infra"
_SCRIPTS = sorted(_FOLDER.glob("slurm/*.sbatch"))


def _check(words: list[str]) -> None:
    """Parse a command as the command line would, without running it."""
    group = typer.main.get_command(app)
    context = group.make_context("plumecast", [], resilient_parsing=True)
    name, *arguments = words
    command = group.get_command(context, name)  # type: ignore[attr-defined]
    assert command is not None, f"expected a command of plumecast, found {words}"
    command.make_context(name, list(arguments), parent=context).close()


def _commands_in(text: str) -> Iterator[list[str]]:
    """Every command of plumecast in comments and lines of a file, variables replaced by something that parses."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        found = re.search(
            r"(?<![\w/.-])(?<!--namespace )(?:/opt/plumecast/bin/)?plumecast ([a-z][a-z-]*(?: .*)?)$", line
        )
        if found:
            plain = re.sub(r'"\$\{PROCESSES[^"]*"|"\$processes"', "2", found[1].removesuffix(" &"))
            plain = re.sub(r'"\$INIT"', "2021-01-01", plain).replace(" ${ARGUMENTS:-}", "")
            yield [word.strip('"') for word in plain.split()]


def _lists_in(part: Any) -> Iterator[list[str]]:
    """Every list of words within a YAML document, its elements as text."""
    if isinstance(part, list) and part and all(isinstance(one, str) for one in part):
        yield part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _lists_in(value)


def test_commands_of_jobs_and_services() -> None:
    files = [*_SCRIPTS, *_FOLDER.glob("systemd/*"), *_FOLDER.glob("kubernetes/*.yaml"), _FOLDER / "compose.yaml"]
    found = [words for path in files for words in _commands_in(path.read_text(encoding="utf-8"))]
    assert {"forecast", "train", "serve", "deploy", "ingest"} <= {words[0] for words in found}
    for words in found:
        if not words[0].startswith("$"):
            _check(words)


def test_commands_of_pods() -> None:
    found = []
    for path in _FOLDER.glob("kubernetes/*.yaml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            found += [words for words in _lists_in(document) if words[0] in ("cycle", "plumecast")]
    assert len(found) == 2
    for words in found:
        _check(words[1:] if words[0] == "plumecast" else words)


def test_a_wrong_option_is_found() -> None:
    with pytest.raises(Exception, match="No such option: --membres"):
        _check(["forecast", "speedy-5p6", "--init", "2021-01-01", "--membres", "5"])


@pytest.mark.parametrize("script", [*_SCRIPTS, _FOLDER / "check_wheel.sh"], ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.name)
def test_jobs_that_are_interrupted_are_queued_again(script: Path) -> None:
    assert "#SBATCH --requeue" in script.read_text(encoding="utf-8")


def test_the_image_is_built_from_what_it_needs() -> None:
    given = (_FOLDER.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert given[1] == "*"
    for line in given:
        if line.startswith("!"):
            assert (_FOLDER.parent / line[1:]).exists(), line
    lines = (_FOLDER / "Containerfile").read_text(encoding="utf-8").splitlines()
    owner = next(number for number, line in enumerate(lines) if "--owner plumecast" in line)
    assert owner < lines.index("USER 1000:1000") < lines.index("VOLUME /data")


def test_services_of_one_machine_listen_on_it_alone() -> None:
    services = yaml.safe_load((_FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert all("healthcheck" in service for name, service in services.items() if name != "pages")
