"""Fixtures that tests of several packages share."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_catalog.layout import variables
from pipelines.cli.app import main
from tests.object_storage.server import environment, make_bucket, s3_server


@pytest.fixture(scope="session")
def forecast_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PLUMECAST_HOME made by the command line: ten days of simulated weather and one verified run.

    The run is of `speedy-5p6` from 2008-01-05: three members, two days.
    """
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMECAST_HOME", str(place))
        assert main(["ingest", "speedy-5p6", "--end", "2008-01-10"]) == 0
        assert main(["forecast", "speedy-5p6", "--init", "2008-01-05", "--members", "3", "--lead", "2d"]) == 0
        assert main(["verify", str(place / "runs" / "speedy-5p6" / "20080105T0000Z")]) == 0
    return place


@pytest.fixture(autouse=True)
def _no_declared_variables() -> Iterator[None]:
    """Forget the variables that dataset files declared in a test, as the next process would."""
    yield
    for name in set(variables._declared_by.values()):
        variables.declare(name, ())


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """Address of an S3 server on this machine."""
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty bucket, for which the environment has credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(s3_address).items():
        monkeypatch.setenv(name, value)
    return make_bucket(s3_address, f"b{uuid.uuid4().hex}")
