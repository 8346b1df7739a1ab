"""The evening before: fleet, orders and travel times go in, each depot's plan is made and published.

Every step may be sent again. Depots are planned one after the other, so that the log has one order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from core import canonical
from core.errors import BadInput, Unavailable, WrongState
from evals.client import ApiError, DoorstepClient
from evals.wire import Plan, Rejected, Rejection
from evals.world import fate
from evals.world.scenario import Depot, Scenario

PLAN_PATIENCE_S = 600.0
LOOK_S = 0.2

Say = Callable[[str], None]


def prepare(client: DoorstepClient, scenario: Scenario, say: Say) -> dict[str, Plan]:
    """Depot id -> its published plan. What stands already is left as it is."""
    clock = client.clock()
    if clock.mode != "simulated":
        raise WrongState("This server runs on the real clock.", "Only a simulated day can be run: start a demo.")
    if clock.now < scenario.start:
        client.advance(scenario.start)
    standing = {depot.id: published(client, scenario, depot) for depot in scenario.depots}
    if not all(standing.values()):
        if clock.now > scenario.end:
            raise WrongState(f"It is {clock.now} there already, after the end of this day.", "Start with a fresh demo.")
        bring(client, scenario, say)
    runs = {
        depot.id: client.start_plan(
            depot.id, scenario.day, scenario.iterations, scenario.seed, f"{scenario.seed}:first plan"
        )
        for depot in scenario.depots
        if standing[depot.id] is None
    }
    return {
        depot.id: standing[depot.id] or plan(client, scenario, depot, runs[depot.id], say) for depot in scenario.depots
    }


def published(client: DoorstepClient, scenario: Scenario, depot: Depot) -> Plan | None:
    try:
        found = client.plan(depot.id, scenario.day)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return found if found.published else None


def bring(client: DoorstepClient, scenario: Scenario, say: Say) -> None:
    """Fleet, travel times, and the orders that are known in the morning."""
    say(f"fleet: {len(scenario.vehicles)} vans, {len(scenario.depots)} depots")
    _all_taken("fleet", client.put_fleet(scenario.fleet()).rejected)
    for depot_id, matrix in sorted(scenario.matrices.items()):
        say(f"{depot_id}: travel times between {len(matrix.locations)} places")
        client.put_matrix(depot_id, matrix.body())
    later = fate.draw(scenario).live
    for depot in scenario.depots:
        rows = scenario.import_rows(depot.id, later)
        taken = client.import_orders(depot.id, scenario.day, canonical.dumps(rows))
        _all_taken("orders", taken.rejected)
        say(f"{depot.id}: {taken.accepted} orders taken, {taken.unchanged} known already")


def plan(client: DoorstepClient, scenario: Scenario, depot: Depot, run: str, say: Say) -> Plan:
    """Wait for the plan of a depot's day and publish it."""
    until = time.monotonic() + PLAN_PATIENCE_S
    said = 0
    while (state := client.plan_run(run)).status in ("queued", "running"):
        for step in state.progress[said:]:
            say(f"{depot.id}: planning, {step.get('stops_planned', '?')} stops, cost {step.get('cost', '?')}")
        said = len(state.progress)
        if time.monotonic() > until:
            raise Unavailable(
                f"The plan of {depot.id} took longer than {PLAN_PATIENCE_S:g} s.", "See the worker's log."
            )
        time.sleep(LOOK_S)
    if state.status == "failed" or state.version is None:
        raise WrongState(f"The plan of {depot.id} failed: {state.error}.", "See the worker's log.")
    told = client.publish(depot.id, scenario.day, state.version)
    say(f"{depot.id}: version {told.version} published, {told.promises} promises")
    return client.plan(depot.id, scenario.day, told.version)


def _all_taken(what: str, rejected: Sequence[Rejection | Rejected]) -> None:
    if rejected:
        first = rejected[0]
        raise BadInput(
            f"{len(rejected)} rows of the {what} were not taken; row {first.row}: {first.reason}",
            first.fix or "Correct the scenario.",
            field=first.field or "",
        )
