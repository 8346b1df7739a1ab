"""Phone numbers: one spelling for all, and what can't be one is refused without being repeated."""

from __future__ import annotations

import pytest

from core import phones
from core.errors import BadInput

WRITTEN: list[tuple[str, str, str, str]] = [
    ("+15125550100", "US", "+15125550100", "as it is"),
    ("(512) 555-0100", "US", "+15125550100", "a number of the region"),
    ("512.555.0100", "US", "+15125550100", "however it is written"),
    ("1 512 555 0100", "US", "+15125550100", "with the country but no plus"),
    ("(512) 555-0100 x3", "US", "+15125550100", "an extension is not part of it"),
    ("512-555-0100 ext. 12", "US", "+15125550100", "nor when it is spelled out"),
    ("+1 555 010 0100", "ES", "+15550100100", "an area code of fiction"),
    ("2015550199", "US", "+12015550199", "the last number of fiction"),
    (" +34 600 000 000", "US", "+34600000000", "another country"),
    ("600 000 000", "ES", "+34600000000", "the same one at home"),
    ("030 901820", "DE", "+4930901820", "a German zero is dropped"),
    ("0039 06 698 1", "DE", "+39066981", "an Italian one is not"),
    ("(11) 96123-4567", "BR", "+5511961234567", "a Brazilian mobile"),
    ("06 12 34 56 78", "FR", "+33612345678", "a French mobile"),
    ("020 7946 0018", "GB", "+442079460018", "a London number"),
]


@pytest.mark.parametrize(("phone", "region", "number", "why"), WRITTEN, ids=[row[3] for row in WRITTEN])
def test_numbers_are_written_one_way(phone: str, region: str, number: str, why: str) -> None:
    assert phones.normalise(phone, region) == number, why
    assert phones.normalise(number, region) == number, "what is normal stays"


WRONG: list[tuple[str, str, str]] = [
    ("12345", "too few digits", "too short"),
    ("+1234567890123456", "too many digits", "too long"),
    ("+999 123 456 789", "country code", "a country that there is not"),
    ("ask Bob", "no phone number", "words"),
    ("n/a", "no phone number", "a word for none"),
    ("---", "no phone number", "a dash for none"),
    ("5.12555E+09", "cut", "what a spreadsheet makes of it"),
    ("000-000-0000", "no range", "zeros to please a form"),
    ("555-0100", "area code", "no area code"),
    ("+5125550100", "phone number", "a plus before a number without its country"),
    ("512-555-0100 / 512-555-0101", "too many digits", "two in one cell"),
    ("٣٤٥", "phone number", "digits of another script that are too few"),
]


@pytest.mark.parametrize(("phone", "words", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_what_can_not_be_a_number_is_refused(phone: str, words: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        phones.normalise(phone, "US")
    assert refused.value.field == "phone"
    assert words in refused.value.what, why
    assert refused.value.fix
    assert phone not in refused.value.what, "a number is personal, and reasons are kept"


@pytest.mark.parametrize(("phone", "there"), [("512 555 0100 x3", "3"), ("512 555 0100 #77", "77"), ("5125550100", "")])
def test_an_extension_is_told_apart(phone: str, there: str) -> None:
    assert phones.extension(phone) == there
