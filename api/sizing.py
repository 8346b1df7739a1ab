"""`doorstep vans`: what a day would cost with ever fewer vans."""

from __future__ import annotations

from rich.console import Console

from api.logbook import day_of, reading
from core import money
from tools import plan_questions

out = Console(highlight=False, soft_wrap=True)


def show(depot: str, day: str, version: int, iterations: int | None) -> None:
    with reading() as db:
        found = plan_questions.fleet_sizes(db, depot, day_of(day), version, iterations)
    for size in found.sizes:
        left = f", {size.unserved} stops left out" if size.unserved else ""
        out.print(f"{size.vans} vans, {size.used} used: {money.say(size.cents)}{left}", markup=False)
    fewest = "no number of them serves a stop" if found.fewest is None else f"{found.fewest} serve as many as all"
    out.print(f"{fewest}; {found.cheapest} are the cheapest", markup=False)
