"""Public routing instances, in the formats in which they are published, as the neutral problem.

`../shared/data/vrp/README.md` says where each comes from; `bks.json` there has the best known costs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from core.errors import NotFound
from evals.instances import text, vrplib
from evals.instances.instance import Instance, with_best

READERS = {
    "vrptw_solomon100": text.solomon,
    "vrptw_homberger200": text.solomon,
    "vrptw_homberger400": text.solomon,
    "vrptw_gh1000": vrplib.read,
    "cvrp_x": vrplib.read,
    "cvrp_xxl": vrplib.read,
    "hfvrp_x": vrplib.read,
    "mdvrptw": vrplib.read,
    "pcvrptw_gh1000": vrplib.read,
    "pdptw_lilim100": text.lilim,
    "pdptw_lilim200": text.lilim,
    "pdptw_lilim400": text.lilim,
    "pdptw_lilim1000": text.lilim,
}
"""folder -> its format. Several trips a vehicle (mtvrptwr) have no place in the neutral problem."""


def read(path: Path) -> Instance:
    """One instance of the collection, with its best known cost."""
    instance = READERS[path.parent.name](path)
    known = json.loads((path.parent.parent / "bks.json").read_text()).get(f"{path.parent.name}/{path.name}", {})
    if known.get("best_found_here_dimacs"):
        return with_best(instance, known["best_found_here_dimacs"], "a long run of PyVRP, total distance")
    if known.get("bks_distance") is None:
        hierarchical = known.get("bks_hierarchical", {})
        return with_best(instance, hierarchical.get("distance"), "vehicles first, then distance; not truncated")
    truth = known["bks_distance"]
    if instance.kind in ("hfvrp", "mdvrptw", "pcvrptw"):
        return with_best(instance, _own_units(instance, truth))
    what = "not truncated" if path.parent.name == "vrptw_solomon100" else ""
    return with_best(instance, truth, what)


def _own_units(instance: Instance, truth: float) -> float:
    """Their files hold the cost as whole numbers, scaled already (with the hundredths of mixed fleets), or as it is."""
    if truth != int(truth):
        return truth
    return truth / instance.scale / (100 if instance.kind == "hfvrp" else 1)


def find(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Files of instances whose `folder/name` fits a pattern. Raises NotFound when none does."""
    found = [file for name in READERS for file in sorted((folder / name).glob("*"))
             if file.suffix in (".txt", ".vrp") and fnmatch(f"{name}/{file.stem}", pattern)]  # fmt: skip
    if not found:
        raise NotFound(f"No instance in {folder} fits {pattern!r}.", "Try 'vrptw_gh1000/*'.")
    yield from found
