"""Marks flow runs whose process died as crashed; Prefect would show them as RUNNING for ever.

Flow runs send heartbeats, and an automation of the server marks those that stop. Runs that died while no
automation was active are marked when the schedules are served or deployed again, or by a worker of Plumecast's.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.states import Crashed

from data_catalog.clock import utc_now
from data_catalog.storage.locks import is_held
from pipelines.flows.environment import FLOW_NAME, HEARTBEAT_SECONDS
from pipelines.workspace.home import Home

AUTOMATION = "Plumecast: mark flow runs without heartbeats as crashed"
SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)


def ensure_crash_automation() -> None:
    """Create the automation that marks flow runs as crashed when their heartbeats stop, unless it exists."""
    asyncio.run(_ensure(_automation()))


async def _ensure(automation: Automation) -> None:
    try:
        await Automation.aread(name=automation.name)
    except ValueError:
        await automation.acreate()


def _automation() -> Automation:
    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat"} | ended,
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    action = ChangeFlowRunState(
        name=None, force=False, state=StateType.CRASHED, message="Its process stopped reporting."
    )
    return Automation(name=AUTOMATION, trigger=trigger, actions=[action])


def mark_dead_cycles(
    client: SyncPrefectClient, home: Home, system_names: Sequence[str], *, older_than: timedelta = timedelta(0)
) -> int:
    """Mark cycles as crashed that Prefect lists as running although their process has ended.

    A scheduled cycle holds the lock of its system's schedule as long as its process runs, so a free lock means that the
    process has ended.

    Args:
        client: Client of the server that holds the flow runs.
        home: Home directory of the cycles; cycles of other homes are left alone.
        system_names: Systems whose cycles are checked.
        older_than: Runs that entered their state within this time are left alone: their process may not hold the lock
            yet.

    Returns:
        Number of cycles marked.
    """
    gone = [name for name in system_names if not is_held(home.schedule_lock(name))]
    if not gone:
        return 0
    runs = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW_NAME])),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=gone)),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]))
        ),
        sort=FlowRunSort.START_TIME_DESC,
        limit=200,
    )
    latest = utc_now() - older_than
    ours = [run for run in runs if run.parameters.get("home") == str(home.root) and _since(run) <= latest]
    for run in ours:
        client.set_flow_run_state(run.id, Crashed(message="Its process is gone."), force=True)
    return len(ours)


def _since(run: FlowRun) -> datetime:
    """When a flow run entered its state."""
    return datetime.min.replace(tzinfo=UTC) if run.state is None else run.state.timestamp
