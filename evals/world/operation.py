"""An operation: what kind of day a synthetic city has. Depots, fleet, orders, rates; one generator makes all of them.

The defaults are two-person delivery of bulky goods: some twenty doors a van, minutes at each. The first wave of vans
can't carry everything, so some goods are still at the depot when the morning goes wrong: those can change vans.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import BadFile
from evals.world.files import read_text
from evals.world.rates import Rates, Share
from evals.world.scenario import CLOCK, Point

FOLDER = Path(__file__).parent.parent / "operations"
LocalTime = Annotated[str, Field(pattern=f"^{CLOCK.pattern}$")]
Hour = Annotated[int, Field(ge=0, le=23)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Windows(Strict):
    """A share of the orders is promised a window of so many hours, beginning on one of these hours."""

    share: Share
    starts: tuple[Hour, ...] = Field(min_length=1)
    hours: int = Field(ge=1, le=12)

    @model_validator(mode="after")
    def _ends_today(self) -> Windows:
        if max(self.starts) + self.hours > 23:
            raise ValueError(f"a window from {max(self.starts)}:00 of {self.hours} h ends after 23:00")
        return self


class Fleet(Strict):
    depots: tuple[str, ...] = Field(("Canal Yard", "Ridge Yard"), min_length=1, max_length=2)
    """names; with fewer than four vans the first one only"""
    depot_km: float = Field(6.0, ge=0, le=30)
    """from the centre"""
    vans: int = Field(14, ge=1)
    pieces: int | None = Field(None, ge=1)
    """of each van; None: what makes all vans together carry `spare` times what is ordered"""
    spare: float = Field(1.2, ge=1, le=5)
    weight_kg: int = Field(1200, ge=1)
    max_stops: int | None = Field(None, ge=1)
    shift: tuple[LocalTime, LocalTime] = ("07:30", "17:30")
    second_wave: Share = 2 / 7
    """share of a depot's vans that start at `second_shift`"""
    second_shift: tuple[LocalTime, LocalTime] = ("10:30", "17:30")
    cost_per_hour: int = Field(2600, ge=0)
    """cents, for everybody on the van"""


class Orders(Strict):
    count: int = Field(300, ge=1)
    prefix: str = Field("ACME", pattern="^[A-Z]{2,8}$")
    client: str = "acme"
    kinds: Mapping[str, Share] = {"delivery": 1.0}
    windows: tuple[Windows, ...] = (Windows(share=0.20, starts=(9, 10, 11, 12, 13, 14), hours=2),)
    service_min: tuple[int, ...] = Field((4, 5, 6, 7, 8, 10), min_length=1)
    """means; each as likely"""
    pieces: Mapping[int, int] = Field({1: 45, 2: 30, 3: 15, 4: 10}, min_length=1)
    """how many -> how often"""
    piece_kg: tuple[float, float] = (1.5, 14.0)
    apartments: Share = 0.12
    """of the doors have several orders behind them"""
    notes: tuple[str, ...] = Field(("", "", "", "Ring twice", "Side door"), min_length=1)
    quarters_km: tuple[float, float] = (3.5, 9.0)
    """how far the quarters around the centre are"""

    @model_validator(mode="after")
    def _shares_are_parts(self) -> Orders:
        if sum(each.share for each in self.windows) > 1 + 1e-9:
            raise ValueError("windows: the shares are more than everything")
        return self


class Operation(Strict):
    name: str = Field("synthetic", pattern="^[a-z][a-z-]*$")
    about: str = "two-person delivery of bulky goods"
    seed: int = 7
    tz: str = "America/New_York"
    centre: Point = (39.93, -75.92)
    start: LocalTime = "07:24"
    end: LocalTime = "18:00"
    fleet: Fleet = Fleet()
    orders: Orders = Orders()
    rates: Rates = Rates()

    def vans_for(self, orders: int) -> int:
        """As many vans for so many orders as the operation has for its own."""
        return max(2, round(orders * self.fleet.vans / self.orders.count))


def names() -> list[str]:
    """The examples that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read(name: str) -> Operation:
    """An example by its name, or an operation file of your own by its path."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if not path.exists():
        raise BadFile(
            f"There is no operation {name!r}.",
            f"Use {', '.join(names())}, or the path of a YAML file.",
            field="operation",
        )
    return parsed(read_text(path), path.name)


def parsed(text: str, source: str) -> Operation:
    try:
        found: Any = yaml.safe_load(text)
        return Operation.model_validate(found)
    except yaml.YAMLError as error:
        raise BadFile(f"{source} is no YAML: {str(error)[:200]}", "Check its indentation.") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadFile(f"{source}: {field or 'the file'}: {first['msg']}.", "Correct this field.", field=field) from None
