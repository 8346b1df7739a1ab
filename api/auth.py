"""Who is calling: bearer token or session cookie -> principal. Every route names the roles it lets in; none is open by
forgetting to (a test walks the routes)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Cookie, Depends, Header, Request

from core import clock, principals
from core.errors import NotAllowed, NotSignedIn
from core.principals import STAFF, Principal
from core.store import db as store

COOKIE = "doorstep_session"


def signed_in(
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    doorstep_session: Annotated[str | None, Cookie()] = None,
) -> Principal:
    """The caller. Raises NotSignedIn, or TooMany when they ask too often."""
    scheme, _, bearer = (authorization or "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else doorstep_session
    if not token:
        raise NotSignedIn("This needs a sign-in.", "Send `Authorization: Bearer TOKEN`, or open a sign-in link.")
    with store.glance() as db:
        who = principals.of_token(db, token, clock.system_now())
    request.app.state.limits.take(who)
    return who


def only(*roles: str, one_client: bool = False) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets these roles in and nobody else. Who acts for one client alone is let in where that is
    said: forgetting to say it keeps them out."""

    # async, since it waits for nothing: others are run in threads, and each change of threads costs
    async def check(who: Annotated[Principal, Depends(signed_in)]) -> Principal:
        if who.role not in roles:
            raise NotAllowed(f"A {who.role} may not do this.", f"It takes {' or '.join(roles)}.")
        if who.client is not None and not one_client:
            raise NotAllowed(f"This token is for {who.client}'s orders only.", "Ask for one that is for all clients.")
        return who

    return check


Anyone = Annotated[Principal, Depends(signed_in)]
Staff = Annotated[Principal, Depends(only(*sorted(STAFF)))]
Admin = Annotated[Principal, Depends(only("admin"))]
Planner = Annotated[Principal, Depends(only("admin", "dispatcher", "ops_lead"))]
Integrator = Annotated[Principal, Depends(only("admin", "integrator", "dispatcher", "ops_lead"))]
ClientsOwn = Annotated[Principal, Depends(only("admin", "integrator", "dispatcher", "ops_lead", one_client=True))]
"""the route shows and takes a client's own orders to and from whoever acts for that client"""
Buyer = Annotated[
    Principal, Depends(only("customer", "admin", "integrator", "dispatcher", "ops_lead", one_client=True))
]
"""a customer about an own order, a shop about its own or one that it is about to sell, staff about any"""
Tapper = Annotated[Principal, Depends(only("admin", "driver"))]
Locator = Annotated[Principal, Depends(only("admin", "driver", "integrator"))]
Talker = Annotated[Principal, Depends(only("customer", "admin", "dispatcher", "ops_lead"))]
Driver = Annotated[Principal, Depends(only("driver"))]
