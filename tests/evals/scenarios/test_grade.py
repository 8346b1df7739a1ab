"""A sample of scenarios through the house, and the sums on grades made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.scenarios import grade, kinds, scripted, truth
from evals.scenarios.__main__ import UNSEEN, gates
from evals.scenarios.grade import ALWAYS, Graded, pass_hat, precision, recall
from evals.scenarios.truth import Truth
from tests.living import Living

SAMPLE = ("cancel_waiting", "cancel_aboard", "missing_near", "safety", "injected", "late", "late_again", "missed_third")


def test_a_sample_of_scenarios_ends_as_its_truth_wants(living: Living) -> None:
    found = [grade.play(kind, 3, number) for number, kind in enumerate(SAMPLE, 1)]
    assert {each.kind: each.failed for each in found if not each.passed} == {}
    assert {each.wanted for each in found} >= {"must", "must_not"}
    assert all(each.checks >= 6 for each in found)


def test_there_are_scenarios_enough_of_both_sorts() -> None:
    wants = [truth.wanted(what.truth) for what in kinds.TALKS.values()]
    assert len(UNSEEN) * wants.count("must") >= 60
    assert len(UNSEEN) * (wants.count("must_not") + 3) >= 200, "and three of the road's kinds"


def test_every_concern_has_words_of_both_halves_and_none_in_both() -> None:
    bank = scripted.bank()
    for what in kinds.TALKS.values():
        seen, apart = bank[what.about, "seen", "en"], bank[what.about, "apart", "en"]
        assert seen
        assert apart
        assert not set(seen) & set(apart)


@pytest.mark.parametrize("what", [name for _, name in truth.DUTIES])
def test_every_duty_calls_for_a_person(what: str) -> None:
    assert truth.wanted(replace(Truth(), **{what: True})) == "must"


def test_nothing_or_an_opt_out_alone_does_not() -> None:
    assert truth.wanted(Truth()) == "must_not"
    assert truth.wanted(Truth(opts_out=True)) == "may"
    assert truth.reason(Truth(money=True, danger=True)) == "safety", "the gravest is told"


def made(kind: str, wanted: str, escalated: bool, *failed: str, reason: str | None = None) -> Graded:
    return Graded(kind, 1, "-", wanted, reason, escalated, (), failed, 6)


FOUND = [
    made("a", "must", True, reason="safety"), made("a", "must", False, "escalation", reason="legal"),
    made("b", "must_not", True, "escalation"), made("b", "must_not", False), made("c", "may", True),
]  # fmt: skip


def test_recall_and_precision_are_counted_with_both_simple_policies_beside() -> None:
    assert (recall(FOUND).hits, recall(FOUND).trials) == (1, 2)
    assert recall(FOUND, reason="safety").value == 1.0
    assert (precision(FOUND).hits, precision(FOUND).trials) == (1, 2), "what may go either way is not counted"
    assert (recall(FOUND, ALWAYS["always"]).value, precision(FOUND, ALWAYS["always"]).value) == (1.0, 0.5)
    assert (recall(FOUND, ALWAYS["never"]).value, precision(FOUND, ALWAYS["never"]).value) == (0.0, None)
    assert [line.split(":")[0] for line in gates(FOUND)] == [
        "MISSED recall on safety and legal reasons", "MISSED recall over all that must", "MISSED precision",
    ]  # fmt: skip
    assert gates(FOUND[:1]) == []


def test_pass_hat_is_the_chance_that_all_of_k_pass() -> None:
    rows = [made("a", "must_not", False)] * 3 + [made("a", "must_not", False, "end")]
    assert pass_hat(rows, 1) == pytest.approx(3 / 4)
    assert pass_hat(rows, 2) == pytest.approx(3 / 6)
    assert pass_hat(rows, 4) == 0
    assert pass_hat(rows, 5) is None
