"""Settings: one table, from the environment, with secrets that don't show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings, override, rows, settings

VENDORS = ("DATABASE_URL", "OPENAI_", "CHROMA_", "TWILIO_")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the machine's, and none left behind."""
    for name, _, _ in rows():
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_every_setting_has_a_default_and_says_what_it_means() -> None:
    Settings()
    assert all(meaning.endswith(".") for _, _, meaning in rows())
    assert len(rows()) == len(Settings.model_fields)


def test_settings_of_ours_begin_with_our_name_and_vendors_keep_theirs() -> None:
    assert [name for name, _, _ in rows() if not name.startswith(("DOORSTEP_", *VENDORS))] == []


def test_a_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_PORT", "8123")
    monkeypatch.setenv("DOORSTEP_POLICY", "/etc/policy.yaml")
    assert (settings().port, settings().policy) == (8123, Path("/etc/policy.yaml"))


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings().port
    monkeypatch.setenv("DOORSTEP_PORT", "8123")
    assert settings().port == before


def test_an_override_holds_for_this_process_and_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_PORT", "8000")
    settings()
    override(DOORSTEP_PORT="8123")
    assert settings().port == 8123
    assert os.environ["DOORSTEP_PORT"] == "8123"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"DOORSTEP_PORT": "9"}, "http://127.0.0.1:9"),
        ({"DOORSTEP_PUBLIC_URL": "https://door.example/"}, "https://door.example"),
    ],
)
def test_links_lead_to_where_people_reach_us(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], url: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert settings().url == url


@pytest.mark.parametrize("name", ["DOORSTEP_ADMIN_TOKEN", "DOORSTEP_LOG_KEY", "OPENAI_API_KEY", "TWILIO_AUTH_TOKEN"])
def test_a_secret_does_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "s3cr3t")
    assert "s3cr3t" not in repr(settings())


def test_settings_can_not_be_changed_by_who_reads_them() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings().port = 1  # type: ignore[misc]
