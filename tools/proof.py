"""Tool: what proves a delivery. Looks up what the driver's device sent; keeps no pictures itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from core.clock import iso
from core.store.tables import proof


def lookup(db: Connection, order_id: str) -> list[dict[str, Any]]:
    """Facts about an order's proof; empty when there is none. Notes are personal and stay where they are."""
    row = db.execute(
        select(proof).where(proof.c.order_id == order_id).order_by(proof.c.at.desc(), proof.c.id).limit(1)
    ).one_or_none()
    if row is None:
        return []
    facts = {"proof": row.kind, "proof_at": iso(row.at)}
    if row.sha256:
        facts["proof_sha256"] = row.sha256
    if row.metres_away is not None:
        facts["proof_metres_away"] = row.metres_away
    return [
        {"name": name, "value": value, "source": f"proof {row.id}", "at": iso(row.at)} for name, value in facts.items()
    ]
