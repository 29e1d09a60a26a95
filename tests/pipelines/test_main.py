"""The process of a command that draws begins a second one that does; others begin none."""

import sys
from contextlib import contextmanager

import pytest

from pipelines import __main__ as program


@pytest.fixture
def begun(monkeypatch):
    """Whether a second process was begun, after each command."""
    seen = []

    @contextmanager
    def drawing_beside():
        seen.append(True)
        yield

    monkeypatch.setattr(program, "drawing_beside", drawing_beside)
    monkeypatch.setattr(program.app, "main", lambda: 0)
    return seen


@pytest.mark.parametrize("words", ["forecast tiny --init 2008-01-01", "--debug verify RUN", "cycle tiny", "demo"])
def test_a_command_that_draws_begins_a_second_process(begun, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["plumecast", *words.split()])
    assert program.main() == 0
    assert begun == [True]


@pytest.mark.parametrize("words", ["", "status", "forecast --help", "forecast tiny --processes 2", "train tiny"])
def test_others_begin_none(begun, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["plumecast", *words.split()])
    assert program.main() == 0
    assert begun == []


def test_only_the_first_of_several_processes_draws(begun, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["plumecast", "forecast", "tiny"])
    monkeypatch.setenv("RANK", "1")
    assert program.main() == 0
    assert begun == []
