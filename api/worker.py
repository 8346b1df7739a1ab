"""The worker process: casework, outbox and timers, from the queue. Start more of them with `doorstep worker`.

The queue's library never frees the job of a worker that was killed; the sweeper here does, at start and at every
heartbeat, so that a killed case is worked again within seconds.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import date

import procrastinate
import structlog
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Status

from agent import casework, texting
from core import cases, clock, log, queue, timers, vans
from core.errors import DoorstepError, Unavailable
from core.settings import settings
from core.signing import load_or_create
from core.store import db as store
from tools import attendance, desk, offers, publishing, roadside_case, standing
from tools.carriers import bookings
from tools.geocoder import waiting
from tools.notify import outbox, stages
from tools.optimizer import resident

logger = structlog.get_logger("worker")

CONCURRENCY = 4
SIGN_EVERY_S = 60.0


def work_case(subject: str) -> None:
    """Work a case; what we did not foresee hands it to a person instead of losing it."""
    try:
        casework.work(subject, resident())
    except Unavailable:
        raise
    except Exception as error:
        logger.exception("case.failed", case=subject)
        with store.transaction() as db:
            row = cases.get(db, subject, lock=True)
            if row.status in cases.WORKABLE:
                desk.escalate(db, row, "internal_error", clock.now(db), {"error": type(error).__name__})


def drain_outbox(subject: str) -> None:
    outbox.drain()


def look_again(subject: str) -> None:
    """An escalation that nobody answered by its time goes to the next person on duty; what was held long enough is
    weighed again."""
    with store.transaction() as db:
        row = cases.get(db, subject, lock=True)
        if row.status in ("waiting", "escalated"):
            desk.pass_on(db, row, clock.now(db))
        elif row.status == "held" and row.due_by <= clock.now(db):
            cases.wake(db, row)


def offer_over(subject: str) -> None:
    """A customer who was asked has not answered in time."""
    with store.transaction() as db:
        offers.over(db, subject)


def close_day(subject: str) -> None:
    """Reconcile a depot's day, then sign the log as the day leaves it."""
    depot_id, _, day = subject.rpartition(" ")
    with store.transaction() as db:
        publishing.close_day(db, depot_id, date.fromisoformat(day), clock.now(db))
    sign()


def driver_due(subject: str) -> None:
    """A driver should be there by now."""
    vehicle_id, _, day = subject.rpartition(" ")
    with store.transaction() as db:
        attendance.look(db, vehicle_id, date.fromisoformat(day), clock.now(db))


def transfer_overdue(subject: str) -> None:
    """Two vans were to have met."""
    with store.transaction() as db:
        roadside_case.overdue(db, subject, clock.now(db))


def failed(subject: str) -> None:
    """A customer was missed a while ago."""
    with store.transaction() as db:
        stages.failed(db, subject, clock.now(db))


def survey(subject: str) -> None:
    """Ask the customer of an order how its delivery was."""
    with store.transaction() as db:
        stages.survey(db, subject, clock.now(db))


def standing_orders(subject: str) -> None:
    """Make tomorrow's orders of a depot's standing ones."""
    with store.transaction() as db:
        standing.noon(db, subject, clock.now(db))


def answer_texts(subject: str) -> None:
    """Answer what somebody has texted."""
    texting.work(subject)


def geocode_again(subject: str) -> None:
    """Look up the addresses that a geocoder has not answered for."""
    waiting.again()


def book_carriers(subject: str) -> None:
    """Ask the carrier to collect what was decided on."""
    bookings.drain()


TASKS: dict[str, Callable[[str], None]] = {
    "work_case": work_case,
    "drain_outbox": drain_outbox,
    "look_again": look_again,
    "offer_over": offer_over,
    "close_day": close_day,
    "driver_due": driver_due,
    "transfer_overdue": transfer_overdue,
    "failed": failed,
    "survey": survey,
    "standing_orders": standing_orders,
    "answer_texts": answer_texts,
    "geocode_again": geocode_again,
    "book_carriers": book_carriers,
}


def build(url: str) -> procrastinate.App:
    app = queue.worker_app(url)
    for name, run in TASKS.items():
        app.task(name=name, retry=queue.RETRY)(run)
    return app


async def run(url: str, concurrency: int = CONCURRENCY) -> None:
    """Work until told to stop."""
    app = build(url)
    async with app.open_async():
        await _sweep(app)
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                update_heartbeat_interval=queue.HEARTBEAT_S,
                stalled_worker_timeout=queue.DEAD_AFTER_S,
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                fetch_job_polling_interval=0.25,
                shutdown_graceful_timeout=3.0,
            )
        )
        keeping = asyncio.create_task(_keep(app))
        logger.info("worker.ready")
        await asyncio.wait({worker, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        keeping.cancel()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def _keep(app: procrastinate.App) -> None:
    """Every heartbeat: free dead workers' jobs and, on a real day, fire timers; at intervals sign the log."""
    beat = 0
    while True:
        await asyncio.sleep(queue.HEARTBEAT_S / 2)
        try:
            await _sweep(app)
            await asyncio.to_thread(_tick)
            beat += 1
            if beat % int(SIGN_EVERY_S / (queue.HEARTBEAT_S / 2)) == 0:
                await asyncio.to_thread(sign)
                await asyncio.to_thread(housekeeping)
        except (DoorstepError, ProcrastinateException, OSError) as error:
            logger.warning("keeping.failed", error=str(error))


async def _sweep(app: procrastinate.App) -> None:
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=queue.DEAD_AFTER_S)
    for job in stalled:
        logger.warning("job.freed", task=job.task_name, job=job.id)
        try:
            await app.job_manager.retry_job(job)
        except ProcrastinateException:  # the same job waits already: that one will do
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def _tick() -> None:
    with store.transaction() as db:
        reading = clock.read(db)
        if not reading.simulated:
            timers.fire(db, reading.now)


def sign() -> None:
    """Sign the log as it stands and anchor the head outside the database."""
    signer = load_or_create(settings().folder / "keys")
    with store.transaction() as db:
        log.sign_head(db, signer, clock.now(db))
    with store.snapshot() as db:
        log.anchor(db, settings().anchor)


def housekeeping() -> None:
    """Positions are kept for a while only; partitions are made ahead."""
    with store.transaction() as db:
        now = clock.now(db)
        vans.ensure_partitions(db, now.date())
        vans.drop_partitions(db, now, settings().position_days)


def main(url: str, concurrency: int = CONCURRENCY) -> None:
    housekeeping()
    with store.snapshot() as db:
        simulated = clock.read(db).simulated
    asyncio.run(run(url, 1 if simulated else concurrency))  # a simulated day is worked in order
