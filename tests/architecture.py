"""The rules of the house, read off the source by `ast`. Each rule yields one line a violation; none imports the code.

A new file or vendor is allowed by adding it to a table here, in the same commit, where a reviewer sees it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePosixPath

# Which rooms the code of a room may import. Nothing imports evals or tests.
MAY_IMPORT = {
    "core": {"core"},
    "optimizer": {"core", "optimizer"},
    "prompts": {"core", "prompts"},
    "tools": {"core", "optimizer", "prompts", "tools"},
    "agent": {"core", "optimizer", "prompts", "tools", "agent"},
    "api": {"core", "optimizer", "tools", "agent", "api"},
    "evals": {"core", "optimizer", "tools", "agent", "evals"},
}
ROOMS = frozenset(MAY_IMPORT)
DOMAIN = ROOMS - {"evals"}

# Places inside a room that may import less than their room: the world is outside, and talks HTTP.
NARROWER = {"evals/world/*": {"core", "optimizer", "evals"}}

# One room per vendor: the files that may import a package. A package that is in no table may not be imported at all.
# A file that is not there yet is a place kept.
VENDORS = {
    "alembic": ("core/store/*",),
    "chromadb": ("tools/knowledge.py",),
    "cryptography": ("core/signing.py",),
    "fastapi": ("api/*",),
    "httpx": (
        "api/start.py",
        "tools/geocoder/nominatim.py",
        "tools/pictures.py",
        "optimizer/osrm.py",  # the one network that the optimizer has: travel times
        "optimizer/valhalla.py",
        "evals/*",
    ),
    "langgraph": ("agent/casework.py",),
    "matplotlib": ("evals/plots.py",),
    "msgspec": ("api/vroom/*",),
    "networkx": ("core/lineage.py",),
    "numba": ("optimizer/native/compiled.py",),
    "openai": ("agent/hosted.py",),
    "openpyxl": ("api/imports/xlsx.py",),
    "ortools": ("optimizer/ortools_engine.py", "optimizer/ortools_model.py", "optimizer/recombine.py"),
    "phonenumbers": ("core/phones.py",),
    "procrastinate": ("core/queue.py", "api/worker.py"),
    "prometheus_client": ("api/metrics.py", "api/routes/health.py"),  # counted in one, shown in the other
    "psutil": ("core/postgres.py", "evals/bench_house.py", "evals/meter.py"),
    "psycopg": ("core/*", "api/stream.py"),
    "pydantic_settings": ("core/settings.py",),
    "pyvrp": ("evals/vrp/pyvrp_peer.py",),
    "rich": ("api/demo.py", "api/logbook.py", "api/rulebook.py", "api/sizing.py", "evals/*"),
    "sqlalchemy": (
        "core/*",  # not the optimizer: it has no database
        "tools/*",
        "agent/*",
        "api/*",
        "evals/ground.py",  # graders read the record after an attack
        "evals/attacks/*",
        "evals/days/lived.py",
        "evals/scenarios/*",
    ),
    "starlette": ("api/*",),
    "twilio": ("tools/notify/twilio_sms.py", "api/routes/twilio.py"),  # out and in
    "typer": ("api/cli.py",),
    "uvicorn": ("api/start.py",),
    "vroom": ("evals/vrp/vroom_peer.py",),
    "yaml": ("tools/*", "api/*", "evals/world/operation.py"),
}
ANYWHERE = {"numpy", "pydantic", "structlog", "typing_extensions"}

# Who reads the machine's clock, and why that is not domain time.
REAL_CLOCK = {
    "core/clock.py": "the port itself",
    "tools/notify/outbox.py": "how long a provider has had to answer",
    "api/auth.py": "a sign-in ends after real hours",
    "api/routes/talk.py": "a sign-in ends after real hours",
    "api/routes/health.py": "process supervision: heartbeats of workers",
}
CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("func", "now"),
    ("func", "current_timestamp"),
    ("clock", "system_now"),
}
CLOCK_NAMES = {("time", "time"), ("time", "time_ns"), ("core.clock", "system_now")}
SQL_CLOCK = re.compile(
    r"\b((now|clock_timestamp|statement_timestamp)\s*\(\s*\)|(current_timestamp|localtimestamp)\b)", re.I
)

MAY_PRINT = ("api/cli.py", "api/cli/*", "evals/*", "tests/*", "requirements/*")
MIGRATIONS = "core/store/migrations/*"
GENERATED = "evals/wire.py"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


@dataclass(frozen=True)
class Module:
    path: str  # from the root, with forward slashes
    source: str = field(repr=False)

    @property
    def room(self) -> str:
        return self.path.split("/")[0]

    def is_in(self, *patterns: str) -> bool:
        return any(fnmatch(self.path, pattern) for pattern in patterns)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source, self.path)))

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)} {what}"

    @cached_property
    def imports(self) -> list[tuple[ast.AST, str, str]]:
        """Each import as (node, module, name); `import x` has no name."""
        found: list[tuple[ast.AST, str, str]] = []
        for node in self.nodes:
            match node:
                case ast.Import(names=names):
                    found += [(node, alias.name, "") for alias in names]
                case ast.ImportFrom(module=module, names=names, level=level):
                    base = self._resolve(module or "", level)
                    found += [(node, base, alias.name) for alias in names]
                case ast.Call(func=called, args=[ast.Constant(value=str(name)), *_]) if is_dynamic_import(called):
                    found.append((node, name, ""))
        return found

    def _resolve(self, module: str, level: int) -> str:
        if not level:
            return module
        above = PurePosixPath(self.path).parent.parts
        kept = above[: len(above) - (level - 1)]
        return ".".join([*kept, *([module] if module else [])])


House = list[Module]
Rule = Callable[[House], Iterator[str]]


def read_house(root: Path) -> House:
    """All Python of the rooms, the tests and the set-up."""
    folders = sorted(ROOMS | {"tests", "requirements"})
    files = [file for folder in folders for file in sorted((root / folder).rglob("*.py"))]
    return [Module(file.relative_to(root).as_posix(), file.read_text("utf-8")) for file in files]


def is_dynamic_import(called: ast.expr) -> bool:
    match called:
        case ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"):
            return True
    return False


# The rules


def imports_go_one_way(house: House) -> Iterator[str]:
    for module in house:
        if module.room not in MAY_IMPORT:
            continue
        allowed = next((less for place, less in NARROWER.items() if module.is_in(place)), MAY_IMPORT[module.room])
        for node, name, _ in module.imports:
            room = name.split(".")[0]
            if room in ROOMS | {"tests"} and room not in allowed:
                yield module.at(node, f"imports {room}; it may import {', '.join(sorted(allowed))}")


def one_room_per_vendor(house: House) -> Iterator[str]:
    ours = ROOMS | ANYWHERE | {"tests"} | set(sys.stdlib_module_names)
    for module in house:
        if module.room not in ROOMS:
            continue
        for node, name, _ in module.imports:
            package = name.split(".")[0]
            if package not in ours and not module.is_in(*VENDORS.get(package, ())):
                places = ", ".join(VENDORS.get(package, ())) or "nowhere"
                yield module.at(node, f"imports {package}; that is allowed in {places}")


def the_clock_is_a_port(house: House) -> Iterator[str]:
    for module in house:
        if module.room in DOMAIN and module.path not in REAL_CLOCK:
            yield from clock_readings(module)


def clock_readings(module: Module) -> Iterator[str]:
    texts = docstrings(module)
    for node in module.nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                if (owner, name) in CLOCK_CALLS:
                    yield module.at(node, f"reads {owner}.{name}; domain time is core.clock.now(db)")
            case ast.Constant(value=str(text)) if id(node) not in texts and SQL_CLOCK.search(text):
                yield module.at(node, "reads the database's clock; domain time is core.clock.now(db)")
    for node, name, what in module.imports:
        if (name, what) in CLOCK_NAMES:
            yield module.at(node, f"takes {what} from {name}; domain time is core.clock.now(db)")


def chance_is_injected(house: House) -> Iterator[str]:
    """A seeded `random.Random` or numpy Generator is passed in; the module's own generator is shared by all."""
    for module in house:
        if module.room == "tests":
            continue
        for node in module.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr=name)):
                    if name not in ("Random", "SystemRandom"):
                        yield module.at(node, f"calls random.{name}; pass a random.Random(seed)")
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="random"), attr=name)):
                    if name not in ("default_rng", "Generator", "PCG64", "SeedSequence"):
                        yield module.at(node, f"calls numpy.random.{name}; pass a Generator")
                case ast.Attribute(value=ast.Name(id="uuid"), attr=("uuid1" | "uuid4") as name) if module.room != "api":
                    yield module.at(node, f"calls uuid.{name}; ids come from core.canonical.short")


def no_patching(house: House) -> Iterator[str]:
    for module in house:
        for node, name, what in module.imports:
            if name in ("mock", "unittest.mock") or (name, what) == ("unittest", "mock"):
                yield module.at(node, "imports mock; ports ship fakes that behave")


def no_bare_print(house: House) -> Iterator[str]:
    for module in house:
        for node in module.nodes:
            match node:
                case ast.Call(func=ast.Name(id="print"), keywords=keywords):
                    to = {keyword.arg for keyword in keywords}
                    if "file" not in to and not module.is_in(*MAY_PRINT):
                        yield module.at(node, "prints; only the command line and evals do, the rest logs")


def files_are_short(house: House) -> Iterator[str]:
    for module in house:
        lines = module.source.count("\n")
        if lines > LONGEST_FILE and not module.is_in(MIGRATIONS) and not module.is_in(GENERATED):
            yield f"{module.path}:1 has {lines} lines; {LONGEST_FILE} at most"


def functions_are_short(house: House) -> Iterator[str]:
    for module in house:
        if module.room == "tests" or module.is_in(MIGRATIONS):
            continue
        for node in module.nodes:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    lines = (node.end_lineno or node.lineno) - node.lineno + 1
                    if lines > LONGEST_FUNCTION:
                        yield module.at(node, f"{name} has {lines} lines; {LONGEST_FUNCTION} at most")


RULES: tuple[Rule, ...] = (
    imports_go_one_way,
    one_room_per_vendor,
    the_clock_is_a_port,
    chance_is_injected,
    no_patching,
    no_bare_print,
    files_are_short,
    functions_are_short,
)


def docstrings(module: Module) -> set[int]:
    """Docstrings, by identity: they may speak of SQL `now()`."""
    owners = [
        node
        for node in module.nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body
    ]
    return {id(first.value) for owner in owners if isinstance(first := owner.body[0], ast.Expr)}


def stale_permissions(house: House) -> Iterator[str]:
    """Rows of the tables above that allow nothing which is done: a permission nobody uses is removed."""
    for path, reason in REAL_CLOCK.items():
        if not any(module.path == path and any(clock_readings(module)) for module in house):
            yield f"REAL_CLOCK allows {path} ({reason}), which reads no clock"
    used = {(name.split(".")[0], module.path) for module in house for _, name, _ in module.imports}
    for package, places in VENDORS.items():
        for place in places:
            there = any(module.is_in(place) for module in house)
            if there and not any(package == name and fnmatch(path, place) for name, path in used):
                yield f"VENDORS allows {package} in {place}, where nothing imports it"
