"""What people do with a proposal: each verdict counts once, for exactly what was shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import cases, decisions, orders, plans, promises
from core.errors import AlreadyDecided, BadInput, DoorstepError, NotAllowed, NotFound, Stale, WrongState
from core.principals import Principal
from core.store import db as store
from tests.living import DAY, DEPOT, Living, effects_by_status, load_and_leave, proposals, texts_to, who
from tests.tools.a_case import (
    NOW,
    Picks,
    approve,
    asked,
    case_row,
    decided,
    late,
    open_cases,
    planned,
    routes,
    staff,
    status_of,
    world,
)
from tools import approvals

SOON = NOW + timedelta(minutes=5)


def waiting(living: Living, option: str = "postpone") -> str:
    """A case on A1 whose proposal waits for a person."""
    case_id = late(planned(living))
    living.work(planner=Picks(option))
    assert case_row(case_id).status == "waiting"
    return case_id


def reject(case_id: str, digest: str, reason: str = "too far", by: Principal | None = None) -> str:
    with store.transaction() as db:
        return approvals.reject(db, by or staff(), case_id, digest, reason, SOON)


def edit(case_id: str, digest: str, option: str, by: Principal | None = None) -> str:
    with store.transaction() as db:
        return approvals.edit(db, by or staff(), case_id, digest, option, SOON)


def close(case_id: str, by: Principal | None = None) -> None:
    with store.transaction() as db:
        approvals.close(db, by or staff(), case_id, "called her", SOON)


# Yes


def test_what_is_approved_is_done_and_the_case_closes(living: Living) -> None:
    case_id = waiting(living)
    assert approve(case_id, asked(case_id).digest)
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("closed", "done")
    assert [(d.verdict, d.action, d.approver) for d in decided(case_id)] == [("approved", "postpone", staff().id)]
    with store.transaction() as db:
        assert effects_by_status(db).keys() == {"done"}


def test_nothing_is_done_before_somebody_says_yes(living: Living) -> None:
    case_id = waiting(living)
    before = world()
    living.pulse(SOON)
    assert (world(), case_row(case_id).status) == (before, "waiting")


def test_who_comes_second_is_told_who_was_first(living: Living) -> None:
    case_id = waiting(living)
    digest = asked(case_id).digest
    ana, ben = staff("dispatcher"), staff("ops_lead")
    approve(case_id, digest, ana)
    for late_comer in (ben, ana):
        with pytest.raises(AlreadyDecided, match=f"{ana.id} has approved this already"):
            approve(case_id, digest, late_comer)
    with pytest.raises(AlreadyDecided, match=ana.id):
        reject(case_id, digest, by=ben)
    living.work()
    with pytest.raises(AlreadyDecided, match=ana.id):
        approve(case_id, digest, ben)
    assert len(decided(case_id)) == 1


@pytest.mark.parametrize("second", ["approve", "reject", "edit"])
def test_of_two_at_the_same_moment_one_decides(living: Living, second: str) -> None:
    case_id = waiting(living)
    digest = asked(case_id).digest
    ana, ben = staff("dispatcher"), staff("ops_lead")
    others: dict[str, Callable[[], object]] = {
        "approve": lambda: approve(case_id, digest, ben),
        "reject": lambda: reject(case_id, digest, by=ben),
        "edit": lambda: edit(case_id, digest, "retell", ben),
    }
    came = at_once(lambda: approve(case_id, digest, ana), others[second])
    lost = [result for result in came if isinstance(result, DoorstepError)]
    assert len(lost) == 1
    assert isinstance(lost[0], AlreadyDecided | Stale)
    if isinstance(lost[0], AlreadyDecided):
        assert (ana if came[1] is lost[0] else ben).id in str(lost[0])
    living.work()
    assert len(decided(case_id)) <= 1, "an edit decides nothing yet"


def at_once(*work: Callable[[], object]) -> list[object]:
    """Run all at the same moment; what each gave or raised."""
    gate, came = threading.Barrier(len(work)), dict.fromkeys(range(len(work)), object())

    def run(number: int) -> None:
        gate.wait()
        try:
            came[number] = work[number]()
        except DoorstepError as error:
            came[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return list(came.values())


Verdict = Callable[[str, str, Principal], object]


@pytest.mark.parametrize("role", ["customer", "driver", "integrator"])
@pytest.mark.parametrize(
    "verdict",
    [
        lambda case_id, digest, by: approve(case_id, digest, by),
        lambda case_id, digest, by: reject(case_id, digest, by=by),
        lambda case_id, digest, by: edit(case_id, digest, "retell", by),
        lambda case_id, digest, by: close(case_id, by),
    ],
    ids=["approve", "reject", "edit", "close"],
)
def test_only_staff_decide(living: Living, verdict: Verdict, role: str) -> None:
    case_id = waiting(living)
    before = case_row(case_id)
    with store.transaction() as db:
        somebody = who(db, role)
    with pytest.raises(NotAllowed):
        verdict(case_id, asked(case_id).digest, somebody)
    assert case_row(case_id) == before


def test_a_proposal_of_another_case_is_none_of_this_one(living: Living) -> None:
    day = planned(living)
    one, two = late(day), late(day, "B1", van="van2")
    living.work(planner=Picks("postpone"))
    with pytest.raises(NotFound, match="no such proposal"):
        approve(one, asked(two).digest)
    with pytest.raises(NotFound):
        approve(one, "0" * 64)


# What has changed since it was shown


def move_a_route(living: Living, day: Any) -> None:
    """Another case changes van1's route."""
    late(day, "A3")
    living.work(planner=Picks("resequence"))


def test_what_has_changed_since_is_not_done_but_computed_and_shown_again(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    shown = asked(case_id)
    move_a_route(living, day)
    before = world()
    assert not approve(case_id, shown.digest), "it is not what was shown any more"
    assert world() == before
    living.work(planner=Picks("postpone"))
    again = asked(case_id)
    assert again.digest != shown.digest
    assert again.args["routes"]["van1"] == [stop for stop in routes()["van1"] if stop != day.stops["A1"]]
    assert approve(case_id, again.digest)
    living.work()
    assert case_row(case_id).status == "closed"


def test_a_stale_proposal_can_not_be_approved_later(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    shown = asked(case_id).digest
    move_a_route(living, day)
    approve(case_id, shown)
    with pytest.raises(Stale, match="is stale"):
        approve(case_id, shown)
    living.work(planner=Picks("postpone"))
    with pytest.raises(Stale):
        approve(case_id, shown)


def test_a_promise_that_changed_makes_a_proposal_stale(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    with store.transaction() as db:  # the customer is told something else by hand
        promises.make(db, day.orders["A1"], NOW, NOW + timedelta(hours=5), "msg_by_hand", NOW)
    assert not approve(case_id, asked(case_id).digest)


def test_what_changes_between_yes_and_doing_it_is_weighed_again(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    shown = asked(case_id)
    with store.transaction() as db:  # the other case's change comes between approval and act
        other = cases.open_or_join(db, "predicted_late", day.stops["A3"], "dep", case_row(case_id).day, {}, NOW)[0]
    assert approve(case_id, shown.digest)
    change_behind_its_back(day)
    living.work(planner=Picks("postpone"))
    assert case_row(case_id).status == "waiting", "it is asked about again"
    assert asked(case_id).digest != shown.digest
    assert decided(case_id) == []
    assert case_row(other).status == "closed"


def change_behind_its_back(day: Any) -> None:
    with store.transaction() as db:
        current = plans.current(db, DEPOT, DAY)
        assert current is not None
        route = current.routes["van1"]
        turned = route.model_copy(update={"visits": (route.visits[0], route.visits[2], route.visits[1])})
        plans.add(db, DEPOT, DAY, [turned], parent=current.version, status="published", made_by={}, at=NOW)


def test_a_case_whose_ground_keeps_shifting_goes_to_a_person(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    for _ in range(4):
        living.work(planner=Picks("postpone"))
        change_behind_its_back(day)
        assert not approve(case_id, asked(case_id).digest)
    living.work(planner=Picks("postpone"))
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "ground_keeps_shifting")


# No, or something else


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_no_needs_a_reason(living: Living, reason: str) -> None:
    case_id = waiting(living)
    with pytest.raises(BadInput, match="needs a reason") as refused:
        reject(case_id, asked(case_id).digest, reason)
    assert refused.value.field == "reason"
    assert case_row(case_id).status == "waiting"


def test_after_a_no_nothing_is_done_and_the_case_is_the_rejecters(living: Living) -> None:
    case_id = waiting(living)
    before = world()
    ben = staff("ops_lead")
    made = reject(case_id, asked(case_id).digest, "she is on holiday", ben)
    row = case_row(case_id)
    assert (row.status, row.owner, row.reason_code) == ("escalated", ben.id, "rejected")
    assert row.facts["rejected_because"] == "she is on holiday"
    assert world() == before
    with store.transaction() as db:
        body = decisions.body(db, made)
    assert (body["verdict"], body["approver"]) == ("rejected", ben.id)
    assert "holiday" not in str(body), "what was said may be personal: the log has its digest"
    living.work()
    assert (world(), case_row(case_id).status) == (before, "escalated")


def test_an_edit_is_a_new_proposal_that_needs_its_own_yes(living: Living) -> None:
    case_id = waiting(living)
    shown = asked(case_id).digest
    before = world()
    made = edit(case_id, shown, "retell")
    assert made != shown
    assert world() == before
    with pytest.raises(Stale, match="is replaced"):
        approve(case_id, shown)
    assert approve(case_id, made)
    living.work()
    assert [(d.action, d.verdict) for d in decided(case_id)] == [("retell", "approved")]


@pytest.mark.parametrize("option", ["reassign:van9", "", "cancel", "POSTPONE"])
def test_an_edit_takes_an_option_of_the_case(living: Living, option: str) -> None:
    case_id = waiting(living)
    with pytest.raises(BadInput, match="no option that can be done") as refused:
        edit(case_id, asked(case_id).digest, option)
    assert "retell" in refused.value.fix
    with store.transaction() as db:
        assert [row.status for row in proposals(db, case_id)] == ["open"]


# Closing by hand


def test_only_an_escalated_case_is_closed_by_hand(living: Living) -> None:
    case_id = waiting(living)
    with pytest.raises(WrongState, match="is waiting"):
        close(case_id)
    reject(case_id, asked(case_id).digest)
    close(case_id)
    row = case_row(case_id)
    assert (row.status, row.facts["settled_by"], row.facts["note"]) == ("closed", staff().id, "called her")
    with pytest.raises(WrongState, match="is closed"):
        close(case_id)
    assert open_cases() == []


# What was settled by itself meanwhile


def test_what_was_served_meanwhile_is_not_done(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"]], NOW)
        orders.set_status(db, [day.orders["A1"]], "delivered")
    before = world()
    approve(case_id, asked(case_id).digest)
    living.work(planner=Picks("postpone"))
    assert world() == before
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("closed", "orders_ended")
    assert status_of(day.orders["A1"]) == "delivered"
    with store.transaction() as db:
        assert texts_to(db, day.orders["A1"]) == ["promise"]
