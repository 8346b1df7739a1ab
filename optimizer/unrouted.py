"""Answers that change no route: what to do when a provider is down, and when somebody misses goods or has damaged ones.

Prices, in cents, from `Weights` and the counted facts of `optimizer.circumstances`:

  wait        broken_promise for each urgent message; a claim and two contacts
  reroute     rerouted for each message that waits
  show_proof  a contact, and a quarter of a claim where the proof was taken within 50 m of the door, half within 150 m
  tell_found  a contact, and a quarter of a claim: the driver knows where it is
  ask_driver  two contacts, and half a claim
  claim       a claim and a contact
  bring_back  a claim; where the goods are with the customer, a drive too
  redeliver   a claim and a drive
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from optimizer.circumstances import Claim, Outage
from optimizer.options import Candidate, Kind, Option, Scope
from optimizer.problem import Problem, Weights

KINDS: tuple[Kind, ...] = (
    "wait", "reroute", "show_proof", "tell_found", "ask_driver", "claim", "bring_back", "redeliver",
)  # fmt: skip
AT_THE_DOOR_M, NEAR_M = 50, 150
"""a proof taken this near to the address says much, or something; GPS between houses is off by tens of metres"""
FOUND = frozenset({"with_customer", "with_neighbour", "safe_place", "reception"})
"""what a driver may say that ends the search"""

Figure = tuple[int, str]
"""cents, and why it can't be done; empty when it can"""


def is_asked(scope: Scope) -> bool:
    return scope.outage is not None or scope.claim is not None


def candidates(subject: str, kinds: Collection[str], scope: Scope) -> tuple[Candidate, ...]:
    return tuple(Candidate(kind=kind, stop_id=subject, scope=scope) for kind in KINDS if kind in kinds)


def evaluate(problem: Problem, candidate: Candidate) -> Option:
    outage, claim, weights = candidate.scope.outage, candidate.scope.claim, problem.weights
    if outage is not None:
        cost, why = _of_outage(candidate.kind, outage, weights)
    else:
        assert claim is not None
        cost, why = CLAIMS[candidate.kind](claim, weights)
    silent = outage.urgent if outage is not None and candidate.kind == "wait" else 0
    return Option(
        id=candidate.id, kind=candidate.kind, stop_id=candidate.stop_id, routes={}, arrivals={}, cost_cents=cost,
        minutes_late=0, promises_broken=silent, promises_retold=0, retold=(), stops_moved=0, others_delayed_min=0,
        feasible=not why, broken=(why,) if why else (),
    )  # fmt: skip


def _of_outage(kind: Kind, outage: Outage, weights: Weights) -> Figure:
    if kind == "wait":
        return weights.broken_promise * outage.urgent, ""
    return weights.rerouted * outage.waiting, "" if outage.other else "there is no other way to send them"


def _show_proof(claim: Claim, weights: Weights) -> Figure:
    why = ""
    if not claim.proof:
        why = "there is no proof"
    elif claim.shown:
        why = "the customer has seen it"
    elif claim.metres is None or claim.metres > NEAR_M:
        why = "it was not taken near the address" if claim.metres else "nobody knows where it was taken"
    near = claim.metres is not None and claim.metres <= AT_THE_DOOR_M
    return weights.contact + weights.claim // (4 if near else 2), why


def _tell_found(claim: Claim, weights: Weights) -> Figure:
    return weights.contact + weights.claim // 4, "" if claim.said in FOUND else "the driver has not said where it is"


def _ask_driver(claim: Claim, weights: Weights) -> Figure:
    return 2 * weights.contact + weights.claim // 2, "" if claim.askable else "the driver was asked, or is off duty"


def _bring_back(claim: Claim, weights: Weights) -> Figure:
    return weights.claim + (0 if claim.aboard else weights.postponed), ""


CLAIMS: dict[str, Callable[[Claim, Weights], Figure]] = {
    "wait": lambda claim, weights: (weights.claim + 2 * weights.contact, ""),
    "show_proof": _show_proof,
    "tell_found": _tell_found,
    "ask_driver": _ask_driver,
    "claim": lambda claim, weights: (weights.claim + weights.contact, ""),
    "bring_back": _bring_back,
    "redeliver": lambda claim, weights: (weights.claim + weights.postponed, ""),
}
