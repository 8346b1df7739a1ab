"""Settings: one table, read from the environment (and nothing else: secrets never come from files in the repo).

`TABLE` is what `docs/settings.md` prints; a test holds the two together.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import Misconfigured


class Settings(BaseSettings):
    """Every setting with its default. Vendors' settings keep the vendors' names; ours begin with DOORSTEP_."""

    model_config = SettingsConfigDict(
        env_prefix="", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    database_url: str = Field("", alias="DATABASE_URL", description="PostgreSQL to use; empty: an embedded server.")
    data: Path = Field(
        Path(".doorstep"),
        alias="DOORSTEP_DATA",
        description="Folder of the embedded database, travel-time matrices, keys and anchors.",
    )
    port: int = Field(8000, alias="DOORSTEP_PORT", description="Port of the web server on loopback.")
    host: str = Field(
        "127.0.0.1",
        alias="DOORSTEP_HOST",
        description="Address the web server binds to. Put a TLS proxy in front before changing it.",
    )
    public_url: str = Field(
        "",
        alias="DOORSTEP_PUBLIC_URL",
        description="Address that people reach us at, for links; empty: http://HOST:PORT.",
    )
    admin_token: str = Field(
        "", alias="DOORSTEP_ADMIN_TOKEN", description="A first admin token; empty: none is made.", repr=False
    )
    log_key: str = Field(
        "",
        alias="DOORSTEP_LOG_KEY",
        description="Ed25519 private key (PEM or base64 seed) that signs the log; empty: made in the data folder.",
        repr=False,
    )
    log_level: str = Field("info", alias="DOORSTEP_LOG_LEVEL", description="debug, info, warning or error.")
    policy: Path | None = Field(None, alias="DOORSTEP_POLICY", description="Policy file; empty: the one that ships.")
    stages: Path | None = Field(
        None,
        alias="DOORSTEP_STAGES",
        description="Which stages of a delivery each client tells its customers; empty: the file that ships.",
    )
    workers: int = Field(1, alias="DOORSTEP_WORKERS", description="Worker processes that `doorstep serve` starts.")
    sender: str = Field(
        "",
        alias="DOORSTEP_SENDER",
        description="console or twilio; empty: twilio when TWILIO_ACCOUNT_SID is set, else console.",
    )
    sender_fallback: str = Field(
        "",
        alias="DOORSTEP_SENDER_FALLBACK",
        description="console or twilio: what messages go by while the sender is down; empty: they wait for it.",
    )
    currency: str = Field(
        "USD", alias="DOORSTEP_CURRENCY", description="Currency of all amounts, by its code of ISO 4217."
    )
    position_days: int = Field(14, alias="DOORSTEP_POSITION_DAYS", description="Days that positions are kept.")
    geocoder: str = Field(
        "",
        alias="DOORSTEP_GEOCODER",
        description="gazetteer or nominatim, for addresses without coordinates; empty: the gazetteer if there is one.",
    )
    gazetteer: Path | None = Field(
        None, alias="DOORSTEP_GAZETTEER", description="CSV or JSON file of addresses whose places are known."
    )
    geocoder_url: str = Field("", alias="DOORSTEP_GEOCODER_URL", description="Where Nominatim answers.")
    geocoder_rate: float = Field(
        1.0, alias="DOORSTEP_GEOCODER_RATE", gt=0, le=1000, description="Requests a second that Nominatim gets at most."
    )
    osrm_url: str = Field(
        "", alias="DOORSTEP_OSRM_URL", description="Where OSRM answers, for travel times on roads; empty: not asked."
    )
    valhalla_url: str = Field(
        "", alias="DOORSTEP_VALHALLA_URL", description="The same for Valhalla; set one of the two at most."
    )
    travel_profile: str = Field(
        "",
        alias="DOORSTEP_TRAVEL_PROFILE",
        description="Profile that the road server is asked for; empty: driving (OSRM) or auto (Valhalla).",
    )
    travel_fallback: str = Field(
        "",
        alias="DOORSTEP_TRAVEL_FALLBACK",
        description="great_circle: plan on estimates when the road server fails; empty: the plan fails and says so.",
    )
    openai_api_key: str = Field("", alias="OPENAI_API_KEY", description="Turns the hosted planner on.", repr=False)
    openai_base_url: str = Field(
        "", alias="OPENAI_BASE_URL", description="Any OpenAI-compatible endpoint; empty: OpenAI's."
    )
    shadow: str = Field(
        "",
        alias="DOORSTEP_SHADOW",
        description="hosted: the embedded planner acts, the hosted one is asked too and where they differ is logged.",
    )
    model_calls_talk: int = Field(
        40, alias="DOORSTEP_MODEL_CALLS_TALK", description="Model calls of a conversation a day; then embedded."
    )
    model_calls_day: int = Field(
        5000, alias="DOORSTEP_MODEL_CALLS_DAY", description="Model calls of a process a day; then embedded."
    )
    model: str = Field("gpt-5-mini", alias="DOORSTEP_MODEL", description="Model that the hosted planner asks for.")
    chroma_url: str = Field(
        "", alias="CHROMA_URL", description="Chroma server that holds the knowledge index; empty: inside the process."
    )
    twilio_account_sid: str = Field("", alias="TWILIO_ACCOUNT_SID", description="Twilio account for SMS.")
    twilio_auth_token: str = Field("", alias="TWILIO_AUTH_TOKEN", description="Its secret.", repr=False)
    twilio_from: str = Field("", alias="TWILIO_FROM", description="Number or sender that SMS come from.")
    twilio_whatsapp_from: str = Field(
        "", alias="TWILIO_WHATSAPP_FROM", description="Number that WhatsApp messages come from; empty: there are none."
    )
    fault_point: str = Field(
        "",
        alias="DOORSTEP_FAULT_POINT",
        description="Crash tests only: the named point at which this process kills itself once.",
    )

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def folder(self) -> Path:
        return self.data.expanduser().resolve()

    @property
    def anchor(self) -> Path:
        """Signed heads of the log, outside the database."""
        return self.folder / "log-anchor.jsonl"


def rows() -> list[tuple[str, str, str]]:
    """(name, default, meaning) of every setting, in order, for the docs and `doorstep --help`."""
    return [
        (str(field.alias), "" if field.default is None else str(field.default), field.description or "")
        for field in Settings.model_fields.values()
    ]


@cache
def settings() -> Settings:
    """Raises Misconfigured, naming the variable that can't be read."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        fix = "Correct it, or unset it for its default."
        raise Misconfigured(f"{first['msg']}.", fix, field=str(first["loc"][0])) from None


def override(**values: str) -> None:
    """Set variables for this process and its children (the command line does this before anything reads them)."""
    os.environ.update(values)
    settings.cache_clear()
