"""An import: every good row becomes an order, every bad one is kept with its reason; the same file
twice changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.imports import headers, places, rows
from api.imports.answer import Duplicate, Imported, Rejected, Risky, Unplaced
from api.imports.files import READERS
from api.imports.mapping import ColumnMap
from api.imports.rows import Home, Read
from api.imports.words import UNWRITABLE
from core import canonical, cases, clients, clock, fleet, orders
from core.errors import BadFile, BadInput, DoorstepError, TooLarge
from core.store import db as store
from core.store.tables import depot as depot_table
from core.store.tables import import_batch, import_row
from core.store.tables import order as order_table
from tools import failure_risk, publishing, reach, standing
from tools.geocoder import waiting
from tools.geocoder.chosen import geocoder
from tools.geocoder.port import Found, Missed
from tools.notify import stages

MAX_BYTES = 50_000_000
Raw = Mapping[str, Any]


class Again(Exception):
    """A row repeats an order; what was written for it is taken back."""

    def __init__(self, same_as: Duplicate) -> None:
        super().__init__(same_as.ref)
        self.same_as = same_as


@dataclass
class Tally:
    """What has come of the rows so far."""

    accepted: int = 0
    unchanged: int = 0
    bad: list[tuple[Rejected, Raw, str, str]] = field(default_factory=list)
    """why, the row as it came, its reference, the order that it repeats"""
    duplicates: list[Duplicate] = field(default_factory=list)
    warnings: list[Rejected] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)
    places: Counter[Any] = field(default_factory=Counter)
    first_row: dict[str, int] = field(default_factory=dict)
    """order -> the row of this file that brought it"""
    new: list[str] = field(default_factory=list)

    def reject(self, number: int, error: DoorstepError, raw: Raw, ref: object = "", order_id: str = "") -> None:
        said = {"field": error.field, "reason": error.what, "fix": error.fix}
        why = Rejected(row=number, **{name: str(_writable(text)) for name, text in said.items()})
        self.bad.append((why, raw, str(_writable(str(ref or "")))[:200], order_id))


@dataclass(frozen=True)
class Batch:
    depot: str | None
    """where rows go from that name no depot; None: where they are reached first"""
    day: date
    mapping: ColumnMap
    raws: tuple[Raw, ...]
    """the rows as they came"""
    named: tuple[Raw, ...]
    """the same by our fields"""
    ignored: tuple[str, ...]


def take(
    content: bytes, kind: str, depot: str | None, day: date, mapping: ColumnMap | None = None, client: str | None = None
) -> Imported:
    """Read the whole file, look for its places, then take its rows in, all in one transaction. With `client` all rows
    are that client's; without `depot` a row that names none goes from the depot that reaches it first."""
    batch = read(content, kind, depot, day, mapping or ColumnMap())
    tally = Tally()
    with store.snapshot() as db:
        found = readable(db, batch, tally, client)
        asked = places.unknown(db, found)
    placed = places.look(asked, geocoder()) if asked else {}
    with store.transaction() as db:
        now = clock.now(db)
        if asked:
            waiting.heard(db, geocoder(), list(placed.values()), found[0].depot, now)
        for each in found:
            _take_from_depot(db, each, batch, placed.get(each.row), client, now, tally)
        made = canonical.short(
            "imp", hashlib.sha256(content).hexdigest(), depot or "", day.isoformat(), now.isoformat()
        )
        risky = _risky(db, tally)
        tally.bad.sort(key=lambda row: row[0].row)
        _keep(db, made, now, tally)
    return Imported(
        id=made, accepted=tally.accepted, unchanged=tally.unchanged, rejected=tuple(why for why, *_ in tally.bad),
        duplicates=tuple(tally.duplicates), warnings=tuple(tally.warnings), unplaced=tuple(tally.unplaced),
        risky=risky, places=dict(tally.places), ignored=batch.ignored,
    )  # fmt: skip


def read(content: bytes, kind: str, depot: str | None, day: date, mapping: ColumnMap) -> Batch:
    """Raises BadFile when a file can't be read, or its columns are unclear."""
    if kind not in READERS:
        raise BadInput(f"There is no format {kind!r}.", f"Use one of {', '.join(READERS)}.", field="format")
    if len(content) > MAX_BYTES:
        raise TooLarge(f"The file has {len(content)} bytes.", f"Split it: {MAX_BYTES} at most.", field="file")
    table = READERS[kind](content, mapping)
    if not any(table.rows):
        raise BadFile("The file has no orders.", "Send at least one row.", field="file")
    known = headers.columns(table.header, mapping)
    if table.has_header:
        headers.require(known, mapping)
    named = [
        mapping.fill(number, _named(row, known, strict=not table.has_header)) if row else {}
        for number, row in enumerate(table.rows, 1)
    ]
    return Batch(depot, day, mapping, tuple(table.rows), tuple(named), known.ignored if table.has_header else ())


def _named(row: Raw, known: headers.Columns, *, strict: bool) -> dict[str, Any]:
    """A row by our fields. What nobody knows stays where it is a mistake, and goes where it is another column. A field
    that stands in an object of JSON under two names keeps the second one, which is a mistake, too."""
    fields: dict[str, Any] = {}
    for name, value in row.items():
        ours = known.fields.get(name, name)
        if strict or name not in known.ignored:
            fields[f"{name} (also {ours})" if ours in fields else ours] = value
    return fields


def readable(db: Connection, batch: Batch, tally: Tally, client: str | None = None) -> list[Read]:
    """The rows that can be read, those that can't going to the tally."""

    @cache
    def home(depot: str) -> Home:
        return Home.of(fleet.get_depot(db, depot))

    unnamed = (
        batch.depot
        or db.execute(select(depot_table.c.id).order_by(depot_table.c.id).limit(1)).scalar_one_or_none()
        or ""
    )
    found: list[Read] = []
    for number, (raw, named) in enumerate(zip(batch.raws, batch.named, strict=True), 1):
        if not any(str(value if value is not None else "").strip() for value in raw.values()):
            continue  # a blank line in the middle of a sheet
        try:
            of = home(str(rows.filled(named).get("depot", unnamed)).strip())
            found.append(_of_client(rows.read(number, named, of, batch.day, batch.mapping), client))
        except DoorstepError as error:
            tally.reject(number, error, raw, named.get("ref"))
    return found


def _of_client(each: Read, client: str | None) -> Read:
    if client is None or each.order.client == client:
        return each
    if each.order.client != clients.DEFAULT.id:
        raise BadInput(f"It is an order of {each.order.client}.", f"Send orders of {client} only.", field="client")
    return replace(each, order=each.order.model_copy(update={"client": client}))


def _take_from_depot(
    db: Connection, each: Read, batch: Batch, looked: Found | Missed | None, client: str | None, now: datetime,
    tally: Tally,
) -> None:  # fmt: skip
    """Take a row in; of one that names no depot, from the one that reaches its door first. What is in stays where it
    is, and so does what nobody can place: a person says where it goes."""
    named = batch.named[each.row - 1]
    known = db.execute(
        select(order_table.c.depot_id).where(order_table.c.id == orders.id_of(each.order.client, each.order.ref))
    )
    at, there = each.order.given_place or places.place(looked), known.scalar_one_or_none()
    if batch.depot is not None or rows.filled(named).get("depot") or (there is None and at is None):
        _take(db, each, batch, looked, now, tally)
        return
    try:
        found = reach.choose(db, each.order, at, each.day, now) if there is None and at is not None else ()
        home = Home.of(fleet.get_depot(db, there or found[0].depot))
        again = rows.read(each.row, named, home, batch.day, batch.mapping)
        made = _take(db, _of_client(again, client), batch, looked, now, tally)
    except DoorstepError as error:
        tally.reject(each.row, error, batch.raws[each.row - 1], each.order.ref)
        return
    if made is not None and found:
        reach.note(db, made, found, now)


def _take(
    db: Connection, each: Read, batch: Batch, looked: Found | Missed | None, now: datetime, tally: Tally
) -> str | None:
    """Take a row in. Returns its order when it is new."""
    if each.weekdays:
        _take_standing(db, each, batch, looked, now, tally)
        return None
    raw, order = batch.raws[each.row - 1], each.order
    made = orders.id_of(order.client, order.ref)
    try:
        with db.begin_nested():
            _, new = orders.add(db, order, each.depot, each.day, now, places.place(looked))
            if new and not each.again:
                _is_no_repeat(db, each, made, tally)
    except Again as again:
        fix = "Leave it out; if it is meant, write yes in a column `again`."
        tally.reject(each.row, BadInput(f"It repeats order {again.same_as.as_ref}.", fix, field="ref"), raw,
                     order.ref, again.same_as.order)  # fmt: skip
        tally.duplicates.append(again.same_as)
        return None
    except DoorstepError as error:
        tally.reject(each.row, error, raw, order.ref, made)
        if error.field == "ref":
            tally.duplicates.append(_repeat(each, "reference", order.ref, made, tally))
        return None
    tally.first_row.setdefault(made, each.row)
    tally.accepted, tally.unchanged = tally.accepted + new, tally.unchanged + (not new)
    if new:
        tally.new.append(made)
        stages.order_taken(db, made, now)
        publishing.came_late(db, each.depot, each.day, [made], now)
        _look_at(db, each, made, looked, now, tally)
    return made if new else None


def _take_standing(
    db: Connection, each: Read, batch: Batch, looked: Found | Missed | None, now: datetime, tally: Tally
) -> None:
    """One that comes each week; the day's own order is made with it when the day is one of them."""
    found = places.place(looked)
    try:
        with db.begin_nested():
            new = standing.keep(db, each.order, each.depot, each.weekdays, each.day, each.until, found, now)
    except DoorstepError as error:
        tally.reject(each.row, error, batch.raws[each.row - 1], each.order.ref)
        return
    tally.accepted, tally.unchanged = tally.accepted + new, tally.unchanged + (not new)


def _is_no_repeat(db: Connection, each: Read, made: str, tally: Tally) -> None:
    other = orders.alike(db, made)
    if other is not None:
        raise Again(_repeat(each, "contents", other.ref, other.id, tally))


def _repeat(each: Read, same: Any, as_ref: str, order_id: str, tally: Tally) -> Duplicate:
    first = tally.first_row.get(order_id)
    return Duplicate(row=each.row, ref=each.order.ref, same=same, as_ref=as_ref, as_row=first, order=order_id)


def _look_at(db: Connection, each: Read, made: str, looked: Found | Missed | None, now: datetime, tally: Tally) -> None:
    """What is in, but not as it should be: a place that is missing or vague, needs that no van meets."""
    order = each.order
    known = "given" if order.given_place else looked.precision if isinstance(looked, Found) else "none"
    tally.places[known] += 1
    if isinstance(looked, Missed) and orders.get(db, made).place == "none":
        facts, case = {"order": made, "reason": looked.reason}, ""
        if looked != waiting.AWAY:
            case, _ = cases.open_or_join(db, "address_problem", made, each.depot, each.day, facts, now)
        tally.unplaced.append(Unplaced(row=each.row, order=made, case=case, reason=looked.reason))
    if known == "postal_code":
        _warn(tally, each, "address", "Only its postal code is known.", f"PUT /api/orders/{made}/place with the door.")
    missing = fleet.unmet(db, each.depot, order.skills, order.crew) if order.skills or order.crew > 1 else ()
    if missing:
        what = f"No van of {each.depot} has all that it needs; at best lacking: {', '.join(missing)}."
        _warn(tally, each, "skills", what, "Put it into the fleet file, or give the job to another depot.")
    if order.client != clients.DEFAULT.id and order.client not in _clients(db) and _clients(db):
        _warn(tally, each, "client", "No agreement with this client is known.", "Put it into the fleet file.")


def _risky(db: Connection, tally: Tally) -> tuple[Risky, ...]:
    """Of the orders that are new in: those whose first attempt is likely to fail, by depot and day."""
    by_day: dict[tuple[str, date], list[Any]] = {}
    for order_id in tally.new:
        row = orders.get(db, order_id)
        by_day.setdefault((row.depot_id, row.day), []).append(row)
    found = []
    for (depot, _), new in sorted(by_day.items()):
        for order_id, known in failure_risk.of_orders(db, depot, new).items():
            if known.percent >= failure_risk.HIGH_PERCENT:
                number = tally.first_row[order_id]
                found.append(Risky(row=number, order=order_id, percent=known.percent, reasons=known.reasons))
    return tuple(sorted(found, key=lambda each: each.row))


def _clients(db: Connection) -> set[str]:
    return {client.id for client in clients.every(db)}


def _warn(tally: Tally, each: Read, name: str, reason: str, fix: str) -> None:
    tally.warnings.append(Rejected(row=each.row, field=name, reason=reason, fix=fix))


def _keep(db: Connection, batch: str, now: datetime, tally: Tally) -> None:
    row = {"id": batch, "at": now, "accepted": tally.accepted, "unchanged": tally.unchanged}
    db.execute(insert(import_batch).values(row).on_conflict_do_nothing())
    for why, raw, ref, order_id in tally.bad:
        kept = {"ref": ref or None, "order_id": order_id or None, "raw": _storable(raw)}
        row = {"batch_id": batch, **why.model_dump(), **kept}
        db.execute(insert(import_row).values(row).on_conflict_do_nothing())


def _storable(raw: Raw) -> dict[str, Any]:
    """The row as it came, but for what JSONB can't hold."""
    return {str(_writable(str(key))): _writable(value) for key, value in raw.items()}


def _writable(value: Any) -> Any:
    match value:
        case str():
            return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case list() | tuple():
            return [_writable(each) for each in value]
        case dict():
            return _storable(value)
        case int() | None:
            return value
        case _:
            return str(value)


def rejected(db: Connection, batch: str) -> list[dict[str, Any]]:
    """The rows of a batch that were not taken, with what they held."""
    found = db.execute(select(import_row).where(import_row.c.batch_id == batch).order_by(import_row.c.row))
    return [{"row": r.row, "field": r.field, "reason": r.reason, "fix": r.fix, "raw": r.raw} for r in found]
