"""The one error tree. Every error says what happened, what to do next, and which HTTP status it is.

DoorstepError (500)
├── BadInput (422)            a field is wrong; `field` names it
│   └── BadFile (422)         a file can't be read at all
├── NotSignedIn (401)
├── NotAllowed (403)          the principal may not do this, or policy denies it
├── NotFound (404)
├── Conflict (409)
│   ├── AlreadyDecided (409)  somebody else decided first; names them
│   ├── Stale (409)           what the proposal rested on has changed
│   └── WrongState (409)      not possible in the present state
├── TooLarge (413)
├── TooMany (429)             more requests than this principal may send; `wait_s` says when to come back
├── Unavailable (503)         a process, database or provider is down for now
│   └── EngineDown (503)
├── Misconfigured (500)       a setting is missing or contradicts another
└── LogBroken (500)           the decision log does not verify
"""

from __future__ import annotations

from typing import ClassVar


class DoorstepError(Exception):
    """Base of all errors that we raise on purpose.

    `what` says what happened, `fix` what the reader can do about it, `field` (when set) which input it is about.
    """

    status: ClassVar[int] = 500

    def __init__(self, what: str, fix: str = "", *, field: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.field = field

    def __str__(self) -> str:
        at = f"{self.field}: " if self.field else ""
        then = f" {self.fix}" if self.fix else ""
        return f"{at}{self.what}{then}"

    def as_problem(self) -> dict[str, str | int]:
        """The error as an RFC 9457 problem document."""
        return {
            "type": "about:blank",
            "title": type(self).__name__,
            "status": self.status,
            "detail": self.what,
            "fix": self.fix,
            "field": self.field,
        }


class BadInput(DoorstepError):
    status = 422


class BadFile(BadInput):
    pass


class NotSignedIn(DoorstepError):
    status = 401


class NotAllowed(DoorstepError):
    status = 403


class NotFound(DoorstepError):
    status = 404


class Conflict(DoorstepError):
    status = 409


class AlreadyDecided(Conflict):
    pass


class Stale(Conflict):
    pass


class WrongState(Conflict):
    pass


class TooLarge(DoorstepError):
    status = 413


class TooMany(DoorstepError):
    status = 429

    def __init__(self, what: str, fix: str = "", *, field: str = "", wait_s: int = 1) -> None:
        super().__init__(what, fix, field=field)
        self.wait_s = wait_s


class Unavailable(DoorstepError):
    status = 503


class EngineDown(Unavailable):
    pass


class Misconfigured(DoorstepError):
    status = 500


class LogBroken(DoorstepError):
    status = 500
