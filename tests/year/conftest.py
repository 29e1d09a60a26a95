"""A Prefect server for the campaign."""

from tests.pipelines.flows.conftest import server

__all__ = ["server"]
