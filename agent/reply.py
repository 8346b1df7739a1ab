"""The words that go out, whoever planned them: their own when the facts bear them, else those of a template."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from agent import slotting
from agent.grounding import Ungrounded
from agent.planner import Answer, Ask, Fact, Situation, check_reply
from tools.notify import templates


class Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    template: str
    problems: tuple[Ungrounded, ...] = ()
    """why the answer's own words did not go out"""
    facts: tuple[Fact, ...] = ()
    """what the reply rests on"""


def words(answer: Answer, situation: Situation) -> Reply:
    """What is said to the person. Raises BadInput when the template's own facts are missing."""
    wanted = templates.fields(answer.template)
    newest = {fact.name: fact for fact in situation.facts}
    used = tuple(newest[name] for name in dict.fromkeys((*answer.facts, *wanted)) if name in newest)
    problems = tuple(check_reply(answer.text, used)) if answer.text else ()
    if answer.text and not problems:
        return Reply(text=answer.text, template=answer.template, facts=used)
    values = {name: newest[name].value for name in wanted if name in newest}
    name = answer.template if situation.role in ("customer", "driver") else templates.to_staff(answer.template)
    text = templates.render(name, lang=situation.language, **_in_words(values, situation.language))
    return Reply(text=text, template=answer.template, problems=problems, facts=used)


def _in_words(values: dict[str, str | int | bool], lang: str) -> dict[str, str | int | bool]:
    """Codes and standing phrases of facts in the person's language."""
    said = templates.words("said", lang)
    proofs = templates.words("proof", lang)
    return {
        name: proofs.get(str(value), value) if name == "proof" else said.get(str(value), value)
        for name, value in values.items()
    }


@cache
def _questions() -> frozenset[str]:
    """Our own questions in all languages: these say nothing that a fact must bear."""
    named = (name for name in templates.SPOKEN if name.startswith("ask_"))
    return frozenset(templates.shipped(name, lang) for name in named for lang in templates.LANGUAGES)


def _offers(facts: tuple[Fact, ...]) -> frozenset[str]:
    """Our question which of the times suits, as it reads with the facts that a tool has returned."""
    known = {fact.name: str(fact.value) for fact in facts}
    if "offered" not in known:
        return frozenset()
    return frozenset(slotting.question(known["slot_order"], known["offered"], lang) for lang in templates.LANGUAGES)


def question(step: Ask, facts: tuple[Fact, ...]) -> tuple[Ask, tuple[Ungrounded, ...]]:
    """As it is asked: in its own words when the facts bear them, else plainly for its slot; and what they did not."""
    if step.question in _offers(facts):
        return step, ()
    told = step.choices if step.question in _questions() else (step.question, *step.choices)
    problems = tuple(check_reply(" ; ".join(told), facts))
    if not problems:
        return step, ()
    plain = f"ask_{step.slot}" in templates.TEMPLATES and not templates.fields(f"ask_{step.slot}")
    slot = step.slot if plain else "intent"
    return Ask(slot=slot, question=templates.render(f"ask_{slot}")), problems
