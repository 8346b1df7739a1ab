"""Tool: published plans in figures, as they were planned."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from core import plans
from core.store.tables import plan
from optimizer import figures
from optimizer.figures import Figures


def total(found: plans.PlanVersion) -> dict[str, Any]:
    """The figures of a version's routes, added up. Routes that were changed while the day ran have none."""
    summed = figures.total(Figures.model_validate(r.figures) for _, r in sorted(found.routes.items()) if r.figures)
    return summed.model_dump(mode="json") | {"worked_percent": summed.worked_percent}


def of_day(db: Connection, day: date) -> dict[str, dict[str, Any]]:
    """Depot -> figures of the last plan that was made as a whole and published."""
    solved = (
        select(plan.c.depot_id, func.max(plan.c.version).label("version"))
        .where(plan.c.day == day, plan.c.status == "published", plan.c.made_by.has_key("engine"))
        .group_by(plan.c.depot_id)
        .order_by(plan.c.depot_id)
    )
    return {row.depot_id: total(plans.get(db, row.depot_id, day, row.version)) for row in db.execute(solved)}
