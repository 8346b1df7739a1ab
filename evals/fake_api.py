"""A small server in memory that keeps the API's contract, for tests of the world without a database.

It behaves: tokens, duplicate keys, custody, stale proposals and a chained log are real; plans are a sweep around the
depot. `trouble` makes the next calls fail as a crashing server does, including the one that fails after it was done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core import canonical
from evals import fake_plan
from evals.fake_server import ADMIN, Call, FakeApi, Refused, Row, on

__all__ = ["ADMIN", "FakeApi", "Refused", "open_case"]

FINAL = ("delivered", "returned", "cancelled", "rescheduled")
ENDINGS = {"rescheduled": "rescheduled_by_customer", "cancelled": "cancelled_by_customer"}
LATE_S = 900


# -- the clock and who is who


@on("GET", "/api/clock", "driver", "customer", "dispatcher")
def clock(api: FakeApi, call: Call) -> Any:
    return _clock(api)


def _clock(api: FakeApi) -> Row:
    return {"mode": api.mode, "now": api.now.isoformat(), "paused": api.paused, "speed": 1.0}


@on("POST", "/api/admin/clock")
def advance(api: FakeApi, call: Call) -> Any:
    to = datetime.fromisoformat(call.body["to"])
    if api.mode != "simulated":
        raise Refused(409, "WrongState", "This server runs on the real clock.")
    if to > api.now:
        api.now = to
        for depot in sorted(api.plans):
            _judge(api, depot)
    return _clock(api)


def _judge(api: FakeApi, depot: str) -> None:
    """Vans that should have left open a case; orders that never left the depot go to another day at midnight."""
    for route in api.plans[depot]["routes"]:
        late = api.now - datetime.fromisoformat(route["start"]) > timedelta(seconds=LATE_S)
        if route["stops"] and late and route["vehicle"] not in api.departed:
            open_case(api, "predicted_late", route["vehicle"], proposes=True)
    midnight = datetime.combine(date.fromisoformat(api.plans[depot]["day"]), datetime.min.time(), UTC) + timedelta(
        days=1
    )
    if api.now > midnight.replace(tzinfo=ZoneInfo(api.depots[depot]["tz"])):
        for order in api.orders.values():
            if order["depot"] == depot and order["status"] in ("planned", "unassigned", "new"):
                order["status"] = "rescheduled"


@on("POST", "/api/admin/clock/pause", "dispatcher")
def pause(api: FakeApi, call: Call) -> Any:
    api.paused = call.body["paused"]
    return _clock(api)


@on("POST", "/api/admin/tokens")
def token(api: FakeApi, call: Call) -> Any:
    made = f"{call.body['role']}-{call.body['subject']}"
    api.tokens[made] = (call.body["role"], call.body["subject"])
    return {"token": made, "principal": made}


# -- the day's work


@on("PUT", "/api/fleet")
def fleet(api: FakeApi, call: Call) -> Any:
    api.depots = {depot["id"]: depot for depot in call.body["depots"]}
    api.vehicles = {vehicle["id"]: vehicle for vehicle in call.body["vehicles"]}
    counts = {name: len(call.body[name]) for name in ("depots", "drivers", "vehicles")}
    return {"clients": 0, "areas": 0, **counts, "rejected": []}


PLAIN: Row = {
    "place": "given", "windows": [], "kind": "delivery", "priority": "normal", "pieces": 1, "weight_g": 0,
    "volume_ml": 0, "service_s": 180, "skills": [], "crew": 1,
}  # fmt: skip
"""an order that says no more than it must"""


@on("POST", "/api/imports", "integrator")
def imports(api: FakeApi, call: Call) -> Any:
    taken, unchanged, rejected = 0, 0, []
    for number, row in enumerate(call.body, 1):
        made = canonical.short("ord", row["client"], row["ref"])
        if not -90 <= row["lat"] <= 90:
            rejected.append({"row": number, "field": "lat", "reason": "is not a latitude", "fix": "Give degrees."})
        elif made in api.orders:
            unchanged += 1
        else:
            person = canonical.short("per", row["phone"])
            day = call.params["day"]
            stop = canonical.short("stp", day, row["lat"], row["lon"])
            known = {"id": made, "person": person, "status": "new", "stop": stop, "vehicle": None, "promise": None}
            api.orders[made] = PLAIN | row | known | {"day": day, "depot": call.params["depot"]}
            taken += 1
    return {"id": f"imp_{len(api.orders)}", "accepted": taken, "unchanged": unchanged, "rejected": rejected}


@on("PUT", "/api/depots/([^/]+)/matrix")
def matrix(api: FakeApi, call: Call) -> Any:
    places = len(call.body["locations"])
    if any(len(row) != places for row in call.body["durations_s"]) or len(call.body["durations_s"]) != places:
        raise Refused(422, "BadInput", "The matrix is not square.")
    api.matrices[call.path[0]] = call.body
    return {"hash": canonical.digest(call.body)}


@on("POST", "/api/plans")
def start_plan(api: FakeApi, call: Call) -> Any:
    run = f"run_{len(api.runs)}"
    api.runs[run] = {"depot": call.body["depot"], "day": call.body["day"], "looks": 0}
    return {"run": run}


@on("GET", "/api/plans/runs/([^/]+)")
def plan_run(api: FakeApi, call: Call) -> Any:
    run = api.runs[call.path[0]]
    run["looks"] += 1
    known = {"id": call.path[0], "depot": run["depot"], "day": run["day"]}
    progress = [{"at_s": 1, "cost": 9, "iterations": 1, "stops_planned": 1}]
    if run["looks"] < 2:
        return known | {"status": "running", "progress": progress}
    depot = run["depot"]
    if depot not in api.plans:
        mine = [order for order in api.orders.values() if order["depot"] == depot]
        vans = [van for van in api.vehicles.values() if van["depot"] == depot]
        api.plans[depot] = fake_plan.sweep(api.depots[depot], vans, mine, run["day"])
    return known | {"status": "done", "progress": progress, "version": 1}


@on("POST", "/api/plans/([^/]+)/([^/]+)/([0-9]+)/publish")
def publish(api: FakeApi, call: Call) -> Any:
    plan = api.plans[call.path[0]]
    plan["published"] = True
    for stop in (stop for route in plan["routes"] for stop in route["stops"]):
        at = datetime.fromisoformat(stop["arrival"])
        for order in stop["orders"]:
            window = {"lo": (at - timedelta(minutes=30)).isoformat(), "hi": (at + timedelta(minutes=60)).isoformat()}
            api.orders[order]["promise"] = window
    return {"version": 1, "digest": plan["digest"], "promises": sum(1 for o in api.orders.values() if o["promise"])}


@on("GET", "/api/plans/([^/]+)/([^/]+)", "dispatcher")
def plan(api: FakeApi, call: Call) -> Any:
    if call.path[0] not in api.plans:
        raise Refused(404, "NotFound", "There is no plan.")
    return api.plans[call.path[0]]


@on("GET", "/api/orders", "dispatcher")
def orders(api: FakeApi, call: Call) -> Any:
    return {"orders": [o for o in api.orders.values() if o["depot"] == call.params["depot"]]}


# -- on the road


@on("GET", "/api/driver/route", "driver")
def driver_route(api: FakeApi, call: Call) -> Any:
    van = next(van["id"] for van in api.vehicles.values() if van["driver"] == call.subject)
    route = _planned(api, van)
    shown = []
    for stop in route["stops"]:
        left = [api.orders[order] for order in stop["orders"] if api.orders[order]["status"] not in FINAL]
        lines = [{name: order[name] for name in ("id", "ref", "pieces")} for order in left]
        shown.append({**stop, "orders": lines, "done": not left})
    following = next((stop["stop"] for stop in shown if not stop["done"]), None)
    known = {
        "vehicle": van,
        "day": api.now.date().isoformat(),
        "version": 1,
        "departed": van in api.departed,
        "breaks": [],
        "broken": False,
        "handovers": [],
        "hours": {"worked_s": 0, "rested_s": 0, "since_rest_s": 0},
    }
    return known | {"next": following, "stops": shown}


def _planned(api: FakeApi, van: str) -> Row:
    routes: Iterable[Row] = (route for plan in api.plans.values() for route in plan["routes"])
    return next(route for route in routes if route["vehicle"] == van)


@on("POST", "/api/events", "driver")
def events(api: FakeApi, call: Call) -> Any:
    return {"results": [_event(api, event) for event in call.body["events"]]}


def _event(api: FakeApi, event: Row) -> Row:
    if event["key"] in api.events:
        return {"key": event["key"], "result": "duplicate"}
    wrong = "unknown vehicle" if event["vehicle"] not in api.vehicles else _apply(api, event)
    if wrong:
        return {"key": event["key"], "result": "rejected", "reason": wrong, "fix": ""}
    api.events[event["key"]] = event
    api.write(canonical.dumps(event))
    return {"key": event["key"], "result": "accepted"}


def _apply(api: FakeApi, event: Row) -> str:
    """Custody: what is not on this van can't be handed over from it."""
    van, kind, data = event["vehicle"], event["kind"].removeprefix("driver."), event.get("data", {})
    if kind == "departed":
        api.departed.add(van)
    elif kind == "loaded":
        for order in data["orders"]:
            if api.orders[order]["vehicle"] != van or api.orders[order]["status"] != "planned":
                return "not planned for this van"
            api.orders[order]["status"] = "out"
    elif kind in ("delivered", "failed", "fetched"):
        order = api.orders[event["order"]]
        if order["status"] != "out" or order["vehicle"] != van:
            return f"order is {order['status']}"
        order["status"] = kind
        if kind == "failed":
            say(api, order, "failed", "We missed you. Which day suits you?", datetime.fromisoformat(event["at"]))
    elif kind == "finished":
        api.finished.add(van)
        for order in data["returned"]:
            if api.orders[order]["status"] in ("out", "failed"):
                api.orders[order]["status"] = "returned"
    return ""


@on("POST", "/api/positions", "driver", "integrator")
def positions(api: FakeApi, call: Call) -> Any:
    if len(call.body["positions"]) > 100:
        raise Refused(413, "TooLarge", "At most 100 positions a call.")
    api.positions += call.body["positions"]
    return {"accepted": len(call.body["positions"]), "rejected": []}


# -- people


@on("POST", "/api/chat", "customer", "dispatcher")
def chat(api: FakeApi, call: Call) -> Any:
    text = call.body["text"].lower()
    api.write("chat", call.subject, text)
    mine = [order for order in api.orders.values() if order["person"] == call.subject]
    if call.subject in api.asked_back and text == "yes please":
        case = open_case(api, "reschedule", api.asked_back.pop(call.subject), proposes=True)
        return {"reply": "I have asked the dispatcher.", "intent": "yes", "case": case, "facts": []}
    if "tomorrow" in text:
        api.asked_back[call.subject] = mine[0]["id"]
        return {"reply": "Shall I ask for tomorrow?", "intent": "reschedule", "facts": []}
    if "person" in text or "human" in text:
        case = open_case(api, "human", call.subject, proposes=False)
        return {"reply": "A person will answer.", "intent": "human", "case": case, "facts": []}
    return {"reply": f"Your order is {mine[0]['status']}.", "intent": "where", "facts": []}


def open_case(api: FakeApi, kind: str, subject: str, *, proposes: bool) -> str:
    made = canonical.short("case", kind, subject)
    asked = {"digest": canonical.digest([made, 1]), "option": "move", "action": "move", "cost_lo": 0, "cost_hi": 9}
    proposal = asked if proposes else None
    if made not in api.cases:
        status = "waiting" if proposes else "escalated"
        told = {"opened_at": api.now.isoformat(), "status": status, "version": 1, "proposal": proposal}
        ways = [{"id": each, "kind": each, "feasible": each != "swap"} for each in ("swap", "move", "wait", "retell")]
        told |= {"depot": "dep-a", "day": api.now.date().isoformat(), "facts": {}, "options": ways if proposes else []}
        api.cases[made] = {"id": made, "kind": kind, "subject": subject, **told}
        api.write("case", made, api.now)
    return made


def say(api: FakeApi, order: Row, template: str, body: str, at: datetime) -> None:
    line = {"id": f"msg_{len(api.messages)}", "at": at.isoformat(), "direction": "out", "channel": "sms"}
    line |= {"template": template, "body": body}
    api.messages.append({**line, "order": order["id"], "person": order["person"]})


@on("GET", "/api/messages", "dispatcher")
def messages(api: FakeApi, call: Call) -> Any:
    return {"messages": [line for line in api.messages if line["person"] == call.params["person"]]}


@on("POST", "/api/incidents", "dispatcher")
def incidents(api: FakeApi, call: Call) -> Any:
    made = canonical.short("inc", call.body)
    api.incidents[made] = call.body
    return {"incident": made}


@on("GET", "/api/cases", "dispatcher")
def cases(api: FakeApi, call: Call) -> Any:
    wanted = call.params.get("status")
    return {"cases": [case for case in api.cases.values() if wanted in (None, case["status"])]}


@on("POST", "/api/cases/([^/]+)/(approve|reject)", "dispatcher")
def decide(api: FakeApi, call: Call) -> Any:
    case = api.cases[call.path[0]]
    if case["status"] == "closed":
        raise Refused(409, "AlreadyDecided", "Somebody else decided first.")
    if call.body["proposal"] != case["proposal"]["digest"]:
        raise Refused(409, "Stale", "The proposal has changed.")
    case |= {"status": "closed", "verdict": call.path[1], "decided_at": api.now}
    api.write(call.path[1], case["id"], api.now)
    order = api.orders.get(case["subject"])
    if order is not None and call.path[1] == "approve" and order["status"] not in FINAL:
        order["status"] = "rescheduled"
    return {"case": case["id"], "status": case["status"], "decision": canonical.short("dec", case["id"])}


@on("POST", "/api/cases/([^/]+)/edit", "dispatcher")
def edit(api: FakeApi, call: Call) -> Any:
    case = api.cases[call.path[0]]
    digest = canonical.digest([case["id"], call.body["option"]])
    case["proposal"] = case["proposal"] | {"digest": digest, "option": call.body["option"]}
    return {"proposal": digest}


@on("POST", "/api/cases/([^/]+)/close", "dispatcher")
def close(api: FakeApi, call: Call) -> Any:
    case = api.cases[call.path[0]]
    if case["status"] != "escalated":
        raise Refused(409, "WrongState", f"The case is {case['status']}.")
    case |= {"status": "closed", "note": call.body["note"], "decided_at": api.now}
    api.write("close", case["id"], api.now)
    return {"case": case["id"], "status": "closed"}


@on("GET", "/api/report/([^/]+)", "dispatcher")
def report(api: FakeApi, call: Call) -> Any:
    kinds: dict[str, Counter[str]] = {}
    for case in api.cases.values():
        kinds.setdefault(case["kind"], Counter())[case["status"]] += 1
    return {
        "currency": "USD",
        "orders": Counter(order["status"] for order in api.orders.values()),
        "endings": Counter(ENDINGS.get(order["status"], order["status"]) for order in api.orders.values()),
        "effects": {"done": sum(case["status"] == "closed" for case in api.cases.values())},
        "promises": {"made": sum(order["promise"] is not None for order in api.orders.values())},
        "messages": {},
        "cases": kinds,
        "decisions": Counter(case["verdict"] for case in api.cases.values() if "verdict" in case),
        "outside_policy": 0, "plans": {},
        "log": {"seq": len(api.log) - 1, "head": api.log[-1], "verified": True, "problems": []},
        "held_back": {}, "feedback": {}, "unfinished_cases": {}, "chosen_by_customers": [], "broken_promises": [],
        "custody": {"parcels": {}, "planned": 0, "loaded": 0, "left_behind": [], "mismatches": [], "lines": [],
                    "agrees": True},
        "spend": {},
    }  # fmt: skip
