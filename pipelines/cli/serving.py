"""Commands that run cycles on a schedule: served here, or given to the workers of a Prefect server."""

from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli.options import Processes, SchedulerOption

commands = typer.Typer()


@commands.command()
def serve(
    systems: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM...]", help="Default: all that can run.")
    ] = None,
    cron: Annotated[str | None, typer.Option(help="Schedule to use instead of each system's own.")] = None,
    port: Annotated[int, typer.Option(help="Port of the local Prefect server, if one has to be started.")] = 4200,
    processes: Processes = 1,
    scheduler: SchedulerOption = "local",
) -> None:
    """Deploy each system's schedule and serve it until interrupted, together with the Prefect page."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import check_scheduler
    from pipelines.workspace.systems import systems_to_serve

    require("torch")
    require("prefect")
    place = home()
    prepare_prefect(place)
    chosen = systems_to_serve(place, systems)
    check_scheduler(scheduler)
    from pipelines.flows.server import prefect_server

    with prefect_server(place, port) as address:
        from pipelines.flows.resources import Resources
        from pipelines.flows.serving import HowToRun, serve_systems

        how = HowToRun(cron, Resources(processes=processes, scheduler=scheduler))
        serve_systems(place, chosen, how, address=address)


@commands.command()
def deploy(
    pool: Annotated[str, typer.Option(help="Work pool of the configured Prefect server.")],
    systems: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM...]", help="Default: all that can run.")
    ] = None,
    cron: Annotated[str | None, typer.Option(help="Schedule to use instead of each system's own.")] = None,
    image: Annotated[str | None, typer.Option(help="Container image, for a pool of type docker or kubernetes.")] = None,
    command: Annotated[
        str | None, typer.Option(help="What a worker starts for a cycle, such as 'srun python -m prefect.engine'.")
    ] = None,
    processes: Processes = 1,
    scheduler: SchedulerOption = "local",
) -> None:
    """Give each system's schedule to a work pool of a Prefect server; its workers run the cycles."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import check_scheduler
    from pipelines.workspace.systems import systems_to_serve

    require("torch")
    require("prefect")
    check_scheduler(scheduler)
    _need_server("deploy")
    place = home()
    prepare_prefect(place)
    chosen = systems_to_serve(place, systems)
    from pipelines.flows.server import server_errors

    with server_errors():
        from pipelines.flows.deploying import deploy_systems
        from pipelines.flows.resources import Resources
        from pipelines.flows.serving import HowToRun

        how = HowToRun(cron, Resources(processes=processes, scheduler=scheduler))
        deploy_systems(place, chosen, how, pool=pool, image=image, command=command)


@commands.command()
def worker(
    pool: Annotated[str, typer.Argument(help="Work pool of the configured Prefect server.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Most cycles at a time.")] = None,
    pool_type: Annotated[
        str | None, typer.Option("--type", help="Type of the pool, such as process, which is created if there is none.")
    ] = None,
    with_healthcheck: Annotated[
        bool, typer.Option("--with-healthcheck", help="Answer on port 8080, as PREFECT_WORKER_WEBSERVER_PORT says.")
    ] = False,
) -> None:
    """Run a Prefect worker, which runs the cycles of a work pool, and free the places of cycles that died unseen."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home

    require("prefect")
    _need_server("worker")
    place = home()
    prepare_prefect(place)
    from pipelines.flows.pool_worker import run_worker

    words = [] if limit is None else ["--limit", str(limit)]
    words += [] if pool_type is None else ["--type", pool_type]
    words += ["--with-healthcheck"] if with_healthcheck else []
    raise typer.Exit(run_worker(place, pool, words))


def _need_server(command: str) -> None:
    from pipelines.flows.environment import configured_address

    if configured_address() is None:
        raise ConfigurationError(f"{command}: expected the address of a Prefect server in PREFECT_API_URL, found none")
