"""What each client account tells its customers: which stages, in which language, and when nobody is written to.

Read from a YAML file (tools/notify/stages.yaml, or the one that DOORSTEP_STAGES names).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import BadFile, BadInput
from core.settings import settings
from tools.notify.templates import LANGUAGES

MessageClass: TypeAlias = Literal["promise", "news", "survey", "reply"]
STAGES: dict[str, MessageClass] = {
    "confirm": "news",
    "promise": "promise",
    "out_for_delivery": "news",
    "next": "news",
    "arrived": "news",
    "delivered": "news",
    "late": "promise",
    "failed": "promise",
    "rescheduled": "promise",
    "survey": "survey",
}
"""stage -> what its messages are to the caps: those that keep promises go first, surveys last"""
REPLY = "reply"
"""what a line of a conversation is sent as; it belongs to no stage"""
STAGE_OF = {"retell": "late", "retell_untimed": "late", "out_for_delivery_untimed": "out_for_delivery"}
"""template -> its stage, where the two have different names"""


class Account(BaseModel):
    """One client's way of telling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: tuple[str, ...]
    language: str
    stops_away: int = Field(ge=0, le=20)
    survey_after_min: int = Field(ge=0, le=7 * 24 * 60)
    quiet: tuple[time, time]

    @field_validator("stages")
    @classmethod
    def _known(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in stages if name not in STAGES]:
            raise ValueError(f"no such stage: {unknown[0]}; stages are {', '.join(STAGES)}")
        return stages

    @field_validator("language")
    @classmethod
    def _spoken(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"no texts in {language}; languages are {', '.join(LANGUAGES)}")
        return language

    def tells(self, stage: str) -> bool:
        return stage in self.stages

    def is_quiet(self, local: time) -> bool:
        """Whether nobody is written to at this local time; a night reaches over midnight."""
        start, end = self.quiet
        return start <= local < end if start <= end else local >= start or local < end

    def morning(self, now: datetime, zone: ZoneInfo) -> datetime:
        """When the night that it is ends, in UTC."""
        local = now.astimezone(zone)
        day = local.date() + timedelta(days=local.time() >= self.quiet[1])
        return datetime.combine(day, self.quiet[1], zone).astimezone(UTC)


class Accounts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Account
    clients: dict[str, Account]

    def of(self, client: str) -> Account:
        return self.clients.get(client, self.default)

    def anybody_tells(self, stage: str) -> bool:
        return any(account.tells(stage) for account in (self.default, *self.clients.values()))


def stage_of(template: str) -> str:
    """The stage that a template tells; its own name when it tells none."""
    return STAGE_OF.get(template, template)


def tells(client: str, template: str) -> bool:
    """Whether this client's customers are told what a template tells; what tells no stage is always told."""
    stage = stage_of(template)
    return stage not in STAGES or of(client).tells(stage)


def message_class(template: str) -> MessageClass:
    """What a message is to the caps. One that belongs to no stage corrects: it keeps a promise."""
    if template == REPLY:
        return "reply"
    return STAGES.get(stage_of(template), "promise")


def of(client: str) -> Account:
    """How this client tells its customers."""
    return in_force().of(client)


def in_force() -> Accounts:
    """The file that counts now."""
    return _at(settings().stages)


@cache
def _at(path: Path | None) -> Accounts:
    return load(path or Path(__file__).parent / "stages.yaml")


def load(path: Path) -> Accounts:
    """Read a file. Raises BadFile or BadInput, which name the field."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        fix = "Compare it with tools/notify/stages.yaml."
        raise BadFile(f"{path} can't be read: {error}", fix, field="stages") from error
    try:
        return Accounts.model_validate(_filled(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(first["msg"], "See the comments in tools/notify/stages.yaml.", field=where) from error


def _filled(data: Any) -> Any:
    """Each client's entry with the defaults where it says nothing."""
    match data:
        case {"default": dict(default), "clients": dict(clients)}:
            own = {
                str(name): {**default, **entry} if isinstance(entry, dict) else entry for name, entry in clients.items()
            }
            return {**data, "clients": own}
    return data
