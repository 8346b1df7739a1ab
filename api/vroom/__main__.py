"""One problem in on standard input, one solution out: what a process of `POST /api/optimize` runs."""

from __future__ import annotations

import argparse
import json
import os
import sys

from api import vroom
from tools.solver import NICE


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m api.vroom", description=__doc__)
    asked.add_argument("--seconds", type=float)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--times-only", action="store_true")
    given = asked.parse_args()
    os.nice(NICE)
    content = sys.stdin.buffer.read()
    solution = vroom.optimize(content, seed=given.seed, time_limit_s=given.seconds, times_only=given.times_only)
    sys.stdout.write(json.dumps(solution, ensure_ascii=False))


if __name__ == "__main__":
    main()
