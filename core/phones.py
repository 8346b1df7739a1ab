"""Phone numbers, kept as E.164: +, country, number. `phonenumbers` knows the countries' plans.

Numbers that are reserved for fiction (in North America 555-01xx, and all of area code 555) count as valid: nobody can
be rung by them, and simulated days are full of them.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from core.errors import BadInput
from core.regions import FALLBACK

FICTION = re.compile(r"\+1(555\d{7}|[2-9]\d{2}55501\d{2})")
WRITTEN = re.compile(r"[\d\s()+./-]*\d[\d\s()+./-]*(?:\s*(?:x|ext\.?|#)\s*\d{1,7})?", re.IGNORECASE)
EXPONENT = re.compile(r"\d([.,]\d+)?e[+-]?\d+", re.IGNORECASE)
MOST_DIGITS = 17
"""15 of a number, and two zeros to dial abroad"""
WHY = {
    ValidationResult.TOO_SHORT: "has too few digits",
    ValidationResult.TOO_LONG: "has too many digits",
    ValidationResult.INVALID_LENGTH: "has a number of digits that its country does not use",
    ValidationResult.INVALID_COUNTRY_CODE: "begins with a country code that nobody has",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "has no area code",
}
REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""ISO 3166 alpha-2 of every country whose numbers can be read"""


def normalise(phone: str, region: str = FALLBACK) -> str:
    """E.164 of a number as people write it: "(512) 555-0100 x3" -> "+15125550100".

    `region` is the country of a number that names none. Raises BadInput saying what is wrong, without the number.
    """
    text = phone.strip()
    if EXPONENT.fullmatch(text):
        raise BadInput("A spreadsheet has cut this number.", "Format the column as text and save again.", field="phone")
    if not WRITTEN.fullmatch(text):
        raise BadInput("This is no phone number.", "Write digits, such as +15125550100, or nothing.", field="phone")
    if sum(each.isdecimal() for each in re.split(r"(?i)x|ext|#", text)[0]) > MOST_DIGITS:
        raise _wrong("has too many digits, or is two")
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        code = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        raise _wrong(WHY[ValidationResult.INVALID_COUNTRY_CODE] if code else "has too few digits") from None
    made = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if FICTION.fullmatch(made) or phonenumbers.is_valid_number(number):
        return made
    raise _wrong(WHY.get(phonenumbers.is_possible_number_with_reason(number), "is in no range that its country uses"))


def extension(phone: str) -> str:
    """What to dial after the number, "3" in "(512) 555-0100 x3"; else nothing."""
    found = re.search(r"(?:x|ext\.?|#)\s*(\d{1,7})\s*$", phone, re.IGNORECASE)
    return found.group(1) if found else ""


def _wrong(why: str) -> BadInput:
    fix = "Write it with its country, such as +15125550100."
    return BadInput(f"The phone number {why}.", fix, field="phone")
