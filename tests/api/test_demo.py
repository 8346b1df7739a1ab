"""What of the command line reaches the world."""

from __future__ import annotations

import pytest

from api.demo import World
from evals.world.__main__ import parser


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(World(), "--intensity 1", id="all is left to the operation"),
        pytest.param(World(seed=7, orders=60), "--seed 7 --orders 60 --intensity 1", id="a size"),
        pytest.param(
            World("pharmacy", 3, 60, 4, 2, True, "10:30"),
            "--operation pharmacy --seed 3 --orders 60 --vans 4 --until 10:30 --intensity 2 --strict",
            id="everything",
        ),
    ],
)
def test_the_world_is_told_what_was_asked_for_and_understands_it(world: World, words: str) -> None:
    assert world.words() == words.split()
    heard = parser().parse_args(world.words())
    asked = (world.operation, world.seed, world.orders, world.vans, world.intensity, world.strict, world.until)
    assert (
        heard.operation, heard.seed, heard.orders, heard.vans, heard.intensity, heard.strict, heard.until
    ) == asked  # fmt: skip
