"""Named points at which a crash test may kill the process. In production the setting is empty and this does nothing."""

from __future__ import annotations

import os
import signal

from core.settings import settings

POINTS = ("effect.before", "effect.after", "commit.before", "commit.after")


def reached(point: str) -> None:
    """Die here, once, by SIGKILL, if the crash test asked for it. The marker file makes it once for all processes."""
    asked = settings().fault_point
    if asked != point:
        return
    marker = settings().folder / f"fault-{point}"
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
