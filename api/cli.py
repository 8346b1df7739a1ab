"""The `doorstep` command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from core.errors import DoorstepError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
database = typer.Typer(no_args_is_help=True, help="The embedded database.")
decisions = typer.Typer(no_args_is_help=True, help="The decision log.")
rules = typer.Typer(no_args_is_help=True, help="The policy: what is done, asked or refused.")
app.add_typer(database, name="db")
app.add_typer(decisions, name="log")
app.add_typer(rules, name="policy")

Seed = Annotated[int, typer.Option(help="The same seed gives the same day.")]


@app.command()
def serve() -> None:
    """Run everything this machine needs: database, engine, worker, web."""
    from api import start

    start.serve()


@app.command()
def worker(concurrency: Annotated[int, typer.Option(help="Jobs at a time.")] = 4) -> None:
    """Run one more worker, on this machine or another one (set DATABASE_URL)."""
    from api import start

    start.prepare()
    start.child("worker", concurrency)


@app.command(hidden=True)
def run(part: str) -> None:
    """One process of the supervisor's."""
    from api import start

    start.child(part)


@app.command()
def demo(
    headless: Annotated[bool, typer.Option(help="No page; run the day through and print a report.")] = False,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same day; else the operation's.")] = None,
    operation: Annotated[
        str | None,
        typer.Option(help="courier, grocery, pharmacy, field-service, furniture, meal-kits, or a YAML file."),
    ] = None,
    orders: Annotated[
        int | None, typer.Option(min=1, max=20_000, help="How many orders the day has; else the operation's.")
    ] = None,
    vans: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many vans; else in proportion to the orders.")
    ] = None,
    intensity: Annotated[int, typer.Option(min=1, max=3, help="How often things go wrong, times the usual.")] = 1,
    strict: Annotated[bool, typer.Option(help="Every line of the report counts for the exit code.")] = False,
    until: Annotated[str | None, typer.Option(help="Stop at this local time, such as 10:30; report so far.")] = None,
    speed: Annotated[str, typer.Option(help="Simulated seconds a second, such as 60; or max.")] = "60",
    data: Annotated[
        Path | None, typer.Option(help="Real orders instead: Loggi's or Amazon's format, CSV or JSON.")
    ] = None,
    fresh: Annotated[
        bool | None, typer.Option("--fresh/--resume", help="Begin anew, or go on with the day that is there.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Also write the report there as JSON.")] = None,
) -> None:
    """A live day in a database of its own: simulated vans, customers and incidents; nothing is really sent."""
    from api import demo as day

    world = day.World(operation, seed, orders, vans, intensity, strict, until)
    sys.exit(day.run(day.Wish(headless, world, speed, data, fresh, report)))


@app.command(name="import")
def import_file(
    file: Path, day: Annotated[str, typer.Option(help="Day of delivery, YYYY-MM-DD.")],
    depot: Annotated[
        str | None, typer.Option(help="Depot that rows without one are for; left out: the one that reaches them first.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--format", help="csv, xlsx, json or loggi; from the name when left out.")
    ] = "",
    mapping: Annotated[
        Path | None, typer.Option(help="YAML that says which of the file's columns is which field.")
    ] = None,
) -> None:  # fmt: skip
    """Take a file of orders in. Bad rows and duplicates are listed with what to do; good rows load."""
    from api import start
    from api.imports import answer, take
    from api.imports import mapping as mappings
    from api.imports.files import kind_of
    from core.errors import BadInput

    content = _content(file)
    how = mappings.load(_content(mapping) if mapping else "")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise BadInput(f"{day!r} is no date.", "Write it as YYYY-MM-DD.", field="day") from None
    start.prepare()
    done = take.take(content, kind or kind_of(file.name), depot, on, how)
    said = answer.as_text(done)
    if said:
        typer.echo(said, err=True)
    typer.echo(f"{done.accepted} taken, {done.unchanged} known already, {len(done.rejected)} rejected")
    raise typer.Exit(1 if done.rejected else 0)


def _content(file: Path) -> bytes:
    from core.errors import BadFile

    try:
        return file.read_bytes()
    except OSError as error:
        raise BadFile(f"{file} can't be read: {error.strerror}.", "Give the path of a file.", field="file") from error


@app.command()
def optimize(
    problem: Annotated[Path | None, typer.Argument(help="A problem in VROOM's JSON; else standard input.")] = None,
    time_s: Annotated[
        float | None, typer.Option("-t", "--time", min=0.1, max=86_400, help="Search for so many seconds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed searches another way.")] = 0,
    times_only: Annotated[bool, typer.Option("-c", "--check", help="Choose times for the routes in `steps`.")] = False,
    engine: Annotated[str, typer.Option(help="native, combined, ortools, or auto: native where it can.")] = "auto",
) -> None:
    """Plan routes: VROOM's problem format in, its solution format out. Without -t a seed always gives the same."""
    from api import vroom
    from optimizer.plan import named

    try:
        content = sys.stdin.buffer.read() if problem is None else _content(problem)
        solution = vroom.optimize(content, seed=seed, time_limit_s=time_s, times_only=times_only, engine=named(engine))
    except DoorstepError as error:
        solution = vroom.failed(error)
    typer.echo(json.dumps(solution, ensure_ascii=False))
    raise typer.Exit(solution["code"])


@app.command()
def understand(
    file: Annotated[Path | None, typer.Argument(help="One message a line; else standard input.")] = None,
    role: Annotated[str, typer.Option("--as", help="customer or dispatcher")] = "customer",
) -> None:
    """What each line means: one JSON object a line with text, intent, slots, confidence, also, language."""
    from agent.understanding import model
    from agent.understanding.understand import understand as read
    from core.errors import BadInput

    if role not in ("customer", "dispatcher"):
        raise BadInput(f"There is no {role!r}.", "Use customer or dispatcher.", field="--as")
    if not model.is_kept(role):  # type: ignore[arg-type]
        typer.echo("Reading the training examples, once: about ten seconds.", err=True)
    for line in sys.stdin.buffer if file is None else io.BytesIO(_content(file)):
        said = line.decode("utf-8", "replace").rstrip("\r\n")
        typer.echo(json.dumps(read(said, role).model_dump(mode="json"), ensure_ascii=False))


@app.command()
def client() -> None:
    """The typed Python client, written from the OpenAPI: one file to copy, which needs pydantic alone."""
    from api import client_code
    from api.app import create_app

    typer.echo(client_code.write(create_app().openapi()), nl=False)


@app.command()
def evaluate(
    seeds: Annotated[str, typer.Option(help="Which days, by seed.")] = "1,2,3", orders: int = 120,
    attacks: Annotated[bool, typer.Option("--attacks", help="Attacks through the desk instead of days.")] = False,
) -> None:  # fmt: skip
    """Run simulated days headless and grade them."""
    from api import demo as day

    if attacks:  # a program of its own: nothing imports evals
        raise typer.Exit(subprocess.run([sys.executable, "-m", "evals.attacks"], check=False).returncode)
    failed = [
        s
        for s in seeds.split(",")
        if day.run(day.Wish(True, day.World(seed=int(s), orders=orders), "max", None, True, None))
    ]
    typer.echo(f"{len(seeds.split(',')) - len(failed)} of {len(seeds.split(','))} days passed every check")
    raise typer.Exit(1 if failed else 0)


app.registered_commands[-1].name = "eval"


@app.command()
def vans(
    depot: str, day: str, version: Annotated[int, typer.Argument(help="A version of the day's plan.")],
    iterations: Annotated[int | None, typer.Option(help="Of each solve; else as many as suit the day.")] = None,
) -> None:  # fmt: skip
    """How many vans a day needs: its cost with ever fewer of them. One solve a size."""
    from api import sizing

    sizing.show(depot, day, version, iterations)


@database.command("status")
def db_status() -> None:
    """Is it running, where, and who holds it."""
    from core.store.db import embedded

    for name, value in embedded().status().model_dump().items():
        typer.echo(f"{name}: {value}")


@database.command("stop")
def db_stop() -> None:
    """Stop it now, whoever holds it."""
    from core.store.db import embedded

    embedded().stop()
    typer.echo("stopped")


@decisions.command("verify")
def log_verify(
    file: Annotated[Path | None, typer.Argument(help="An exported day; else the whole log.")] = None,
) -> None:
    """Find any change, cut, reordering or foreign signature."""
    from api import logbook

    raise typer.Exit(logbook.verify(file))


@decisions.command("replay")
def log_replay(day: Annotated[str, typer.Option(help="One day, YYYY-MM-DD; else all.")] = "") -> None:
    """Compute every decision again from its recorded inputs and compare to the byte."""
    from api import logbook

    raise typer.Exit(logbook.replay(day))


@decisions.command("show")
def log_show(about: Annotated[str, typer.Argument(help="Any id: decision, case, order, person.")] = "") -> None:
    """Print entries. Ids of erased persons print as erased."""
    from api import logbook

    logbook.show(about)


@decisions.command("export")
def log_export(day: str) -> None:
    """Write a day as signed JSON lines that anybody can verify."""
    from api import logbook

    logbook.export(day)


@decisions.command("why-not")
def log_why_not(decision: str) -> None:
    """What would have had to be different for a decision to come out another way, each thing alone."""
    from api import logbook

    logbook.why_not(decision)


@decisions.command("sample")
def log_sample(
    count: Annotated[int, typer.Option(min=1)] = 10, seed: Seed = 1,
    day: Annotated[str, typer.Option(help="One day, YYYY-MM-DD; else all.")] = "",
) -> None:  # fmt: skip
    """Automatic decisions to review, drawn at random from those that nobody has looked at."""
    from api import logbook

    logbook.sample(count, seed, day)


@decisions.command("review")
def log_review(
    decision: str, verdict: Annotated[str, typer.Argument(help="right or wrong")],
    why: Annotated[str, typer.Option(help="What is wrong: see docs/reviews.md.")] = "",
    by: Annotated[str, typer.Option(help="Who says so.")] = "ops lead",
) -> None:  # fmt: skip
    """Say of a decision whether it was right. Kept in the log."""
    from api import logbook

    logbook.review(decision, verdict, why, by)


@decisions.command("reviews")
def log_reviews() -> None:
    """What the reviews come to: how many are wrong, precision and estimated recall of asking a person."""
    from api import logbook

    logbook.reviewed()


@rules.command("check")
def policy_check(
    file: Annotated[Path | None, typer.Argument(help="A policy file; else the one in force.")] = None,
) -> None:
    """Read a policy as the server would: its rules, and gaps, contradictions and rules that can never match."""
    from api import rulebook

    raise typer.Exit(rulebook.check(file))


@rules.command("replay")
def policy_replay(
    file: Annotated[Path | None, typer.Argument(help="A policy file; else the one in force.")] = None,
    day: Annotated[str, typer.Option(help="One day, YYYY-MM-DD; else all.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="The newest so many days on record; else all.")] = None,
    page: Annotated[Path | None, typer.Option(help="Also write it there as an HTML page to sign.")] = None,
) -> None:
    """Judge past days by a policy before it goes live: which decisions differ, and what they would have cost."""
    from api import rulebook

    raise typer.Exit(rulebook.replay(file, day, days, page))


@app.command()
def evidence(
    file: Annotated[Path, typer.Argument(help="An evidence pack, as it was exported.", exists=True, dir_okay=False)],
    keys: Annotated[Path | None, typer.Option(help="Folder of public keys (*.pub) that you trust.")] = None,
) -> None:
    """Check an evidence pack: every hash, and the signature over them."""
    from core import evidence as packs
    from core.signing import known_keys

    wrong = packs.check(file.read_bytes(), known_keys(keys) if keys else None)
    for line in wrong:
        typer.echo(line, err=True)
    typer.echo(f"{len(wrong)} things are wrong" if wrong else "as it was signed")
    raise typer.Exit(1 if wrong else 0)


def main() -> None:
    """The entry point: our own errors are printed as two lines, not as a traceback."""
    try:
        app()
    except DoorstepError as error:
        typer.secho(f"{error.field}: {error.what}" if error.field else error.what, fg="red", err=True)
        typer.echo(error.fix, err=True)
        sys.exit(2)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
