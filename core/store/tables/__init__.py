"""Every table, one place. What each record means is told in the module of the same name in `core`.

Personal data lives only in `person`, `order_`, `standing_order`, `address_book`, `message.body`, `import_row.raw`,
`inbound.body`, `attempt.note`, `breakdown.note`, `proof_file.content` and `proof` (its note, code and place); all else
carries ids and salted digests.
"""

from __future__ import annotations

from core.store.tables.base import metadata
from core.store.tables.custody import breakdown, proof_file, rest, transfer, transfer_line
from core.store.tables.instance import instance, principal, token
from core.store.tables.log import blob, log_entry, log_head, log_tip
from core.store.tables.orders import (
    address_book,
    attempt,
    event,
    fence,
    import_batch,
    import_row,
    order,
    parcel,
    position,
    proof,
    standing_order,
    usual_route,
    van,
)
from core.store.tables.people import area, client, depot, driver, matrix_place, person, vehicle
from core.store.tables.plans import live_route, plan, plan_route, plan_run, promise
from core.store.tables.work import (
    case,
    decision,
    effect,
    inbound,
    message,
    outbox,
    proposal,
    template,
    thread,
    timer,
    turn,
)

__all__ = [
    "address_book",
    "area",
    "attempt",
    "blob",
    "breakdown",
    "case",
    "client",
    "decision",
    "depot",
    "driver",
    "effect",
    "event",
    "fence",
    "import_batch",
    "import_row",
    "inbound",
    "instance",
    "live_route",
    "log_entry",
    "log_head",
    "log_tip",
    "matrix_place",
    "message",
    "metadata",
    "order",
    "outbox",
    "parcel",
    "person",
    "plan",
    "plan_route",
    "plan_run",
    "position",
    "principal",
    "promise",
    "proof",
    "proof_file",
    "proposal",
    "rest",
    "standing_order",
    "template",
    "thread",
    "timer",
    "token",
    "transfer",
    "transfer_line",
    "turn",
    "usual_route",
    "van",
    "vehicle",
]
