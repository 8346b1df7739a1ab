"""`python -m optimizer.native`: compile the routing engine, or find it compiled. Set-up calls it."""

from __future__ import annotations

import importlib
import logging
import sys
import time

import structlog

MODULES = ("near", "search", "live")
"""modules with entries"""


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # it is why we are here
    began = time.monotonic()
    for name in MODULES:
        importlib.import_module(f"optimizer.native.{name}")
    from optimizer.native.compiled import FOLDER

    megabytes = sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) / 1e6
    sys.stdout.write(
        f"The routing engine is compiled ({time.monotonic() - began:.0f} s, {megabytes:.0f} MB in {FOLDER}).\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
