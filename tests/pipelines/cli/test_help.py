"""Help lists every command once, with examples that the command line takes, and the shell can complete names."""

import os
import shlex
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from pipelines.cli.app import app, main
from pipelines.cli.help import EXAMPLES, SECTIONS

GROUPS = ("catalog", "archive")


def root() -> Any:
    return typer.main.get_command(app)


def commands() -> list[str]:
    """Every command, those of groups as two words."""
    there = root().commands
    single = [name for name in there if name not in GROUPS]
    return single + [f"{group} {name}" for group in GROUPS for name in there[group].commands]


def test_each_command_is_in_one_section() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(root().commands)


def test_each_command_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(commands())


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_the_command_line_takes_each_example(line: str) -> None:
    command, words = root(), shlex.split(line)
    context = command.make_context("plumecast", list(words))
    while hasattr(command, "commands"):
        name, *words = words
        command = command.get_command(context, name)
        context = command.make_context(name, list(words), parent=context)
    assert not context.args


@pytest.mark.parametrize(("path", "lines"), EXAMPLES.items())
def test_help_shows_the_examples(path: str, lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"plumecast {line}\n" in shown for line in lines)


def test_a_group_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "--help"]) == 0
    assert "List the known datasets." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("plumecast forecast sp", ["speedy-5p6"]),
        ("plumecast catalog show ncep-n", ["ncep-natlantic", "ncep-northamerica"]),
        ("plumecast sco", ["scorecard"]),
    ],
)
def test_the_shell_completes_names(words: str, completed: list[str]) -> None:
    asked = {"_PLUMECAST_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines"], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == completed
