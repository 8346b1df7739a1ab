"""Money: one currency an installation (`DOORSTEP_CURRENCY`), amounts in its minor units as integers, said in one way.

The codes and how many decimals each has are those of ISO 4217 (list one). Amounts are added and compared as integers;
what comes in another currency, such as a carrier's price, can't be compared and is left out.
"""

from __future__ import annotations

from core.errors import Misconfigured
from core.settings import settings

LISTED = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CODES = frozenset(LISTED.split())
DECIMALS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)  # fmt: skip
"""those that have other than two"""


def currency() -> str:
    """The installation's. Raises Misconfigured when the setting is no currency."""
    code = settings().currency.strip().upper()
    if code not in CODES:
        fix = "Use a code of ISO 4217, such as USD, EUR or JPY."
        raise Misconfigured(f"There is no currency {code[:10]!r}.", fix, field="DOORSTEP_CURRENCY")
    return code


def say(minor: int, code: str | None = None) -> str:
    """Minor units as people read them: 1234 -> "12.34 USD", in yen "1234 JPY"."""
    code = code or currency()
    return f"{amount(minor, code)} {code}"


def amount(minor: int, code: str) -> str:
    """The number alone."""
    decimals = DECIMALS.get(code, 2)
    whole, part = divmod(abs(minor), 10**decimals)
    return f"{'-' if minor < 0 else ''}{whole}" + (f".{part:0{decimals}d}" if decimals else "")
