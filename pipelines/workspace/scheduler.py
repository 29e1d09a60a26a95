"""Opens what `--scheduler` names: threads of this process, worker processes of this machine, or a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from data_catalog.archive.workers import Workers
from data_catalog.errors import ConfigurationError
from pipelines.terminal.parts import require
from pipelines.workspace.home import Home

LOCAL, PROCESSES = "local", "processes"


def check_scheduler(name: str) -> None:
    """Check the value of `--scheduler`, before anything is read.

    Args:
        name: `local`, `processes`, or the address of a Dask scheduler.

    Raises:
        ConfigurationError: It is none of these.
        ModuleNotFoundError: dask.distributed is not installed.
    """
    if name == LOCAL:
        return
    if name != PROCESSES and not name.startswith(("tcp://", "tls://")):
        raise ConfigurationError(f"--scheduler: expected local, processes or tcp://HOST:PORT, found '{name}'")
    require("distributed")


@contextmanager
def open_scheduler(name: str, home: Home) -> Iterator[Workers | None]:
    """Yield the workers that `--scheduler` names.

    Args:
        name: `local`, `processes`, or the address of a Dask scheduler.
        home: Home directory, whose dataset files declare variables to the workers too.

    Yields:
        The workers; None for `local`, where each step uses its own threads.

    Raises:
        ConfigurationError: No scheduler answers, it has no workers, or workers are killed again and again.
        ModuleNotFoundError: dask.distributed is not installed.
    """
    check_scheduler(name)
    if name == LOCAL:
        yield None
        return
    from pipelines.workspace.dask_workers import cluster, processes

    with processes(home) if name == PROCESSES else cluster(name, home) as workers:
        yield workers
