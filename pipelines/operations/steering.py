"""What an operator decides about cycles: hold a system, release it, skip a cycle."""

import numpy as np

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from pipelines.operations.cycle_ledger import CycleLedger, Hold
from pipelines.operations.cycle_states import DONE
from pipelines.operations.cycles import states_at_home
from pipelines.workspace.home import Home


def hold_system(home: Home, name: str, *, held: bool, reason: str) -> str:
    """Hold a system, so that no cycle is made, or release it.

    Args:
        home: The home directory.
        name: Name of the system.
        held: Whether it is held from now on.
        reason: Why.

    Returns:
        A line that says what changed.
    """
    ledger = CycleLedger.read(home.cycle_ledger(name))
    word = "held" if held else "released"
    if ledger.is_held == held:
        return f"{name} is {'held already' if held else 'not held'}; nothing changed"
    ledger.append(Hold(held=held, reason=reason))
    return f"{name} is {word}"


def skip_cycle(home: Home, name: str, init_time: np.datetime64, reason: str) -> str:
    """Record that a cycle is never to be made.

    Args:
        home: The home directory.
        name: Name of the system.
        init_time: Init time of the cycle.
        reason: Why.

    Returns:
        A line that says what changed.

    Raises:
        ConfigurationError: The cycle was not due, or it is published or being made.
    """
    ledger = CycleLedger.read(home.cycle_ledger(name))
    states = {state.init_time: state for state in states_at_home(home, name, ledger)}
    state = states.get(init_time)
    if state is None:
        raise ConfigurationError(f"skip {iso(init_time)}: expected a cycle of '{name}' that was due, found none then")
    if state.state in DONE or state.state == "running":
        raise ConfigurationError(f"skip {iso(init_time)}: expected a cycle that is not made, found it {state.state}")
    ledger.record([init_time], "skipped", reason or "by an operator")
    return f"{name}: the cycle of {iso(init_time)} is skipped"
