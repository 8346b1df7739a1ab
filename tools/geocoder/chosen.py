"""Which geocoder this instance uses, by its settings."""

from __future__ import annotations

from functools import cache

from core.errors import Misconfigured
from core.settings import settings
from tools.geocoder import gazetteer
from tools.geocoder.nominatim import Nominatim
from tools.geocoder.port import Geocoder, Nobody


@cache
def geocoder() -> Geocoder:
    """Raises Misconfigured when the settings contradict each other."""
    asked, file, url = settings().geocoder, settings().gazetteer, settings().geocoder_url
    if asked not in ("", "gazetteer", "nominatim"):
        raise Misconfigured(
            f"There is no geocoder {asked!r}.", "Use gazetteer or nominatim.", field="DOORSTEP_GEOCODER"
        )
    if asked == "nominatim":
        if not url:
            raise Misconfigured("No address of Nominatim is set.", "Set it.", field="DOORSTEP_GEOCODER_URL")
        return Nominatim(url, settings().geocoder_rate)
    if file is not None:
        return gazetteer.load(file)
    if asked:
        raise Misconfigured("No file of known addresses is set.", "Set it.", field="DOORSTEP_GAZETTEER")
    return Nobody()
