"""Who is asking: principals, their roles and their tokens. A token is shown once; only its hash is kept.

What a role may touch is decided here and in `tools.desk` before any model or tool output is read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical
from core.errors import BadInput, NotFound, NotSignedIn
from core.store.tables import principal, token

Role = Literal["customer", "driver", "dispatcher", "ops_lead", "integrator", "admin", "system"]
ROLES: tuple[str, ...] = get_args(Role)
STAFF: frozenset[str] = frozenset({"dispatcher", "ops_lead", "admin"})
"""People who see every order and may approve."""


CLIENT = "client:"


class Principal(BaseModel):
    """Somebody who may ask for something. `subject` is a person id for customers, a driver id for drivers; that of an
    integrator who acts for one client is `client:ID`."""

    model_config = ConfigDict(frozen=True)

    id: str
    role: Role
    subject: str

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def client(self) -> str | None:
        """The only client whose orders this integrator knows; None: there is no such limit."""
        own = self.subject.removeprefix(CLIENT)
        return own if self.role == "integrator" and own != self.subject else None


SYSTEM = Principal(id="system", role="system", subject="doorstep")


def _hash(bearer: str) -> str:
    return hashlib.sha256(bearer.encode()).hexdigest()


def ensure(db: Connection, role: str, subject: str) -> Principal:
    if role not in ROLES or role == "system":
        raise BadInput(
            f"There is no role {role!r}.", f"Use one of {', '.join(r for r in ROLES if r != 'system')}.", field="role"
        )
    if not subject:
        raise BadInput("A principal needs a subject.", "Give a name, a driver id or a person id.", field="subject")
    made = Principal(id=canonical.short("pri", role, subject), role=role, subject=subject)  # type: ignore[arg-type]
    db.execute(insert(principal).values(made.model_dump()).on_conflict_do_nothing())
    return made


def issue(
    db: Connection, who: Principal, *, kind: str = "bearer", bearer: str = "", expires_at: datetime | None = None
) -> str:
    """Make a token and return it; it can't be read again."""
    made = bearer or secrets.token_urlsafe(24)
    row = {"hash": _hash(made), "principal_id": who.id, "kind": kind, "expires_at": expires_at}
    db.execute(insert(token).values(row).on_conflict_do_nothing())
    return made


def get(db: Connection, principal_id: str) -> Principal:
    """Raises NotFound."""
    found = db.execute(select(principal).where(principal.c.id == principal_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no principal {principal_id[:60]!r}.", "Make one by a token or a sign-in.")
    return Principal(id=found.id, role=found.role, subject=found.subject)


OF_TOKEN = (  # said once here: every request asks it
    select(principal, token.c.expires_at)
    .join(token, token.c.principal_id == principal.c.id)
    .where(token.c.hash == bindparam("hash"), token.c.kind.in_(["bearer", "session"]))
)


def of_token(db: Connection, bearer: str, at: datetime) -> Principal:
    """The principal of a bearer or session token. `at` is the machine's time, whatever clock the day runs on."""
    found = db.execute(OF_TOKEN, {"hash": _hash(bearer)}).one_or_none()
    if found is None or (found.expires_at is not None and found.expires_at <= at):
        raise NotSignedIn("The token is not known or has expired.", "Sign in again, or ask an admin for a new token.")
    return Principal(id=found.id, role=found.role, subject=found.subject)


def redeem_link(db: Connection, code: str, at: datetime, lasts: timedelta = timedelta(hours=12)) -> str:
    """Turn a one-time sign-in code into a session token. Two redeemers race on the row: one wins."""
    who = db.execute(
        update(token)
        .where(token.c.hash == _hash(code), token.c.kind == "link", token.c.used_at.is_(None))
        .where((token.c.expires_at.is_(None)) | (token.c.expires_at > at))
        .values(used_at=at)
        .returning(token.c.principal_id)
    ).scalar_one_or_none()
    if who is None:
        raise NotSignedIn(
            "This sign-in link was used already or has expired.", "Start `doorstep demo` again, or ask for a new link."
        )
    row = db.execute(select(principal).where(principal.c.id == who)).one()
    return issue(db, Principal(id=row.id, role=row.role, subject=row.subject), kind="session", expires_at=at + lasts)


def names(db: Connection, ids: Iterable[str]) -> dict[str, str]:
    """What staff are called, by their ids: their subject, the name that their token was made for."""
    rows = db.execute(select(principal.c.id, principal.c.subject).where(principal.c.id.in_(set(ids))))
    return {row.id: row.subject for row in rows}


def _duty_list(db: Connection) -> list[str]:
    """Who takes escalations: dispatchers before ops leads before admins, then by id."""
    rows = db.execute(select(principal).where(principal.c.role.in_(STAFF), principal.c.on_duty))
    rank = {"dispatcher": 0, "ops_lead": 1, "admin": 2}
    return [row.id for row in sorted(rows, key=lambda row: (rank[row.role], row.id))]


def on_duty(db: Connection) -> str | None:
    """Who owns a new escalation; None when nobody is on duty."""
    return next(iter(_duty_list(db)), None)


def next_on_duty(db: Connection, owner: str | None) -> str | None:
    """Who comes after `owner`; after the last one it is the first one's again."""
    names = _duty_list(db)
    if owner not in names:
        return names[0] if names else None
    return names[(names.index(owner) + 1) % len(names)]
