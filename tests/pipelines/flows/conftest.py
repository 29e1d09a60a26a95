"""A Prefect server for a module of tests."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A temporary Prefect server, with a database of its own."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
