"""The program that a story starts: a whole installation for a simulated day, as `doorstep serve` starts a real one.

Its database lives in the story's own folder, so that nothing of it is left when that folder is gone.
"""

from __future__ import annotations

import sys

from api import start
from api.supervisor import Supervisor
from core.postgres import EmbeddedPostgres, ensure_database
from core.settings import override, settings

DATABASE = "doorstep_story"


def main(seed: int) -> None:
    server = EmbeddedPostgres(settings().folder / "postgres")
    admin = server.start()
    ensure_database(admin, DATABASE)
    override(DATABASE_URL=server.url(DATABASE))
    start.prepare(made_by="story", mode="simulated", seed=seed)
    start.free_port()
    supervisor = Supervisor({}, settings().workers, server)
    supervisor.start()
    supervisor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
