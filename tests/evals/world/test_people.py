from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evals.fake_api import FakeApi, open_case
from evals.wire import Case
from evals.world import setup
from evals.world.day import Day
from evals.world.incidents import Incidents
from evals.world.people import Customers, Dispatcher, Text, worked_by_phone
from evals.world.rates import Rates
from evals.world.scenario import Scenario
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=40, vans=3)
NOON = int(CITY.start.timestamp()) + 5 * 3600


@pytest.fixture
def api() -> FakeApi:
    server = FakeApi(CITY.start)
    setup.prepare(server.client(), CITY, lambda words: None)
    return server


def customers(api: FakeApi, texts: list[Text]) -> Customers:
    return Customers(api.client(), a_world(api, CITY), texts)


def a_world(api: FakeApi, scenario: Scenario) -> Day:
    rows = [row for depot in scenario.depots for row in api.client().orders(depot.id, scenario.day)]
    return Day.of(scenario, Incidents(), rows)


def text(api: FakeApi, words: str, ref: str = "ACME-1001", at: int = NOON) -> Text:
    person = next(order["person"] for order in api.orders.values() if order["ref"] == ref)
    return Text(at, ref, 0, person, words)


def drawn(scenario: Scenario) -> list[Text]:
    api = FakeApi(scenario.start)
    setup.prepare(api.client(), scenario, lambda words: None)
    rows = [row for depot in scenario.depots for row in api.client().orders(depot.id, scenario.day)]
    return Customers.of(api.client(), a_world(api, scenario), rows).due


def test_about_one_in_ten_customers_texts_in_the_working_day() -> None:
    city = synthetic(3, orders=600, vans=24)
    due = drawn(city)
    assert len(due) == 60
    assert due == sorted(due)
    assert all(city.start.timestamp() < one.at < city.end.timestamp() for one in due)
    assert sum(one.ref in one.words for one in due) > len(due) // 2
    assert {"tomorrow" in one.words for one in due} == {True, False}


def test_the_same_seed_texts_the_same_words_at_the_same_times() -> None:
    assert drawn(CITY) == drawn(CITY)


def test_a_text_goes_out_when_it_is_due_and_once(api: FakeApi) -> None:
    people = customers(api, [text(api, "Where is my order ACME-1001?")])
    assert list(people.speak(NOON - 1)) == []
    assert list(people.speak(NOON)) == ["where"]
    assert list(people.speak(NOON + 3600)) == []


def test_some_answer_what_they_are_asked_a_few_minutes_later(api: FakeApi) -> None:
    for number in range(1, 40):
        people = customers(api, [text(api, "Can you deliver tomorrow?", f"ACME-{1000 + number}")])
        assert list(people.speak(NOON)) == ["reschedule"]
        if people.due:
            break
    assert NOON + 60 <= people.due[0].at <= NOON + 180
    assert list(people.speak(NOON + 180)) == ["yes"]
    assert list(people.speak(NOON + 9999)) == [], "one answer, not a conversation without end"


def test_a_customer_acts_with_their_own_token_only(api: FakeApi) -> None:
    people = customers(api, [text(api, "Where is it?")])
    list(people.speak(NOON))
    assert {role for role, _ in api.tokens.values()} == {"admin", "customer"}


def test_a_refused_text_is_counted_and_the_day_goes_on(api: FakeApi) -> None:
    people = customers(api, [text(api, "one"), text(api, "two", at=NOON + 1)])
    first = people.due[0].person
    people.tokens[first] = "a token that was taken back"
    assert list(people.speak(NOON + 1)) == ["refused", "refused"]
    assert people.refused == {"401 NotSignedIn": 2}


def test_texts_from_before_a_restart_are_not_sent_again(api: FakeApi) -> None:
    people = customers(api, [text(api, "early", at=NOON - 60), text(api, "late", at=NOON + 60)])
    people.skip(NOON)
    assert [one.words for one in people.due] == ["late"]


def decided(
    api: FakeApi, *, at_the_desk: bool, cases: int = 40, alone: bool = False, facts: dict[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """Each of many cases, looked at once a minute; `alone`: what is proposed is all that could be done."""
    dispatcher = Dispatcher(api.client(), CITY.seed, at_the_desk)
    opened = api.now
    for n in range(cases):
        made = open_case(api, "predicted_late", f"van-{n}", proposes=True)
        api.cases[made]["facts"] = facts or {}
        if alone:
            api.cases[made]["options"] = [o for o in api.cases[made]["options"] if o["id"] in ("move", "wait")]
    for minute in range(30):
        api.now = opened + timedelta(minutes=minute)
        deque(dispatcher.decide(int(api.now.timestamp())), maxlen=0)
    return {id_: case | {"took": case["decided_at"] - opened} for id_, case in api.cases.items()}


def test_the_dispatcher_decides_within_minutes_and_mostly_agrees(api: FakeApi) -> None:
    cases = decided(api, at_the_desk=True).values()
    assert all(timedelta(minutes=2) <= case["took"] <= timedelta(minutes=8) for case in cases)
    assert {case["verdict"] for case in cases} == {"approve"}
    assert 1 <= sum(case["proposal"]["option"] == "retell" for case in cases) <= 12
    assert {case["proposal"]["option"] for case in cases} == {"move", "retell"}


def test_who_disagrees_and_has_no_other_way_says_no_and_calls(api: FakeApi) -> None:
    cases = decided(api, at_the_desk=True, alone=True).values()
    assert 1 <= sum(case["verdict"] == "reject" for case in cases) <= 12


def test_what_a_customer_asked_for_is_not_overruled(api: FakeApi) -> None:
    cases = decided(api, at_the_desk=True, facts={"requester": "customer"}).values()
    assert {(case["verdict"], case["proposal"]["option"]) for case in cases} == {("approve", "move")}


def test_with_nobody_at_the_desk_a_quarter_of_an_hour_is_left_to_the_page(api: FakeApi) -> None:
    assert {case["took"] for case in decided(api, at_the_desk=False).values()} == {timedelta(minutes=15)}


def test_who_wants_a_person_is_called_within_minutes_and_the_case_closed_with_a_note(api: FakeApi) -> None:
    made = open_case(api, "human", "per_1", proposes=False)
    dispatcher = Dispatcher(api.client(), 1)
    said = [list(dispatcher.decide(NOON + 60 * n)) for n in range(20)]
    assert said.count(["called"]) == 1
    assert said.count([]) == 19
    assert 2 <= said.index(["called"]) <= 8
    assert api.cases[made]["note"]
    assert not dispatcher.busy()


def test_an_escalation_that_needs_more_than_a_call_stays(api: FakeApi) -> None:
    open_case(api, "effect_unknown", "eff_1", proposes=False)
    dispatcher = Dispatcher(api.client(), 1)
    assert [list(dispatcher.decide(NOON + 60 * n)) for n in range(20)] == [[]] * 20


@pytest.mark.parametrize(
    ("kind", "reason", "called"),
    [("human", "asked_for_human", True), ("predicted_late", "rejected", True), ("predicted_late", "no_options", False)],
)
def test_a_call_settles_who_wants_a_person_and_what_the_dispatcher_took_over(
    kind: str, reason: str, called: bool
) -> None:
    opened = datetime(2026, 3, 10, 9, tzinfo=UTC)
    case = Case(
        id="case_1", kind=kind, subject="ord_1", depot="d", day=opened.date(), status="escalated", version=3,
        opened_at=opened, facts={}, options=(), reason_code=reason,
    )  # fmt: skip
    assert worked_by_phone(case) is called


def test_a_twentieth_of_the_customers_cancels_before_the_promised_time_and_is_then_not_at_home(api: FakeApi) -> None:
    city = CITY.model_copy(update={"rates": Rates(live=0.0)})
    rows = [row for depot in city.depots for row in api.client().orders(depot.id, city.day)]
    day = a_world(api, city)
    people = Customers.of(api.client(), day, rows)
    promised = {row.ref: row.promise.lo.timestamp() for row in rows if row.promise}
    cancelling = [text for text in people.due if "cancel" in text.words.lower()]
    assert len(cancelling) == 2, "5 % of 40"
    assert all(city.start.timestamp() < text.at <= promised[text.ref] for text in cancelling)
    served = cancelling[0].ref
    day.attempts[served] = 1
    deque(people.speak(NOON + 6 * 3600), maxlen=0)
    assert day.unwanted == {text.ref for text in cancelling} - {served}, "what was at the door is not cancelled"


def test_a_proposal_that_changed_is_looked_at_anew(api: FakeApi) -> None:
    dispatcher = Dispatcher(api.client(), 1)
    made = open_case(api, "predicted_late", "van-01", proposes=True)
    assert list(dispatcher.decide(NOON)) == []
    api.cases[made]["proposal"]["digest"] = "another"
    assert list(dispatcher.decide(NOON + 500)) == [], "it was first seen just now"
    assert len(list(dispatcher.decide(NOON + 1000))) == 1


class ElsewhereDecided(FakeApi):
    """Somebody at the page is always a moment faster."""

    def _route(self, request: Any) -> Any:
        answer = super()._route(request)
        if request.url.path == "/api/v1/cases":
            answer = {"cases": [dict(case) for case in answer["cases"]]}
            for case in self.cases.values():
                case |= {"status": "closed", "verdict": "approve"}
        return answer


def test_a_case_that_somebody_else_decided_first_is_left_alone() -> None:
    api = ElsewhereDecided(datetime.fromisoformat("2026-03-10T12:00:00Z"))
    open_case(api, "predicted_late", "van-01", proposes=True)
    dispatcher = Dispatcher(api.client(), 1)
    dispatcher.seen[next(iter(api.cases)), next(iter(api.cases.values()))["proposal"]["digest"]] = 0
    assert list(dispatcher.decide(NOON)) in (["approved: AlreadyDecided"], ["rejected: AlreadyDecided"])
    assert list(dispatcher.decide(NOON + 60)) == []
