"""The trained classifiers, one a role: made from the examples at set-up or first use, and kept by content hash.

The hash is over the examples, the code that reads them and numpy's version, so what is kept is never stale.
`python -m agent.understanding.model` makes what is missing.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

import prompts
from agent.understanding import classifier, examples, features, text
from agent.understanding.classifier import Linear

Role = Literal["customer", "dispatcher"]
ROLES: tuple[Role, ...] = ("customer", "dispatcher")
CODE = (classifier, examples, features, text)
RAREST = 3.0
"""weight of an example of the rarest intents; of the others the square root of how rare they are"""
OUTSIDE: dict[Role, float] = {"customer": 1.5, "dispatcher": 0.7}
"""weight of an example that is out of scope: from customers, reading a wish into chatter is worse than asking"""


@cache
def of_role(role: Role) -> Linear:
    """The classifier of a role; trained now, which takes some seconds, when none is kept."""
    kept = _file(role)
    if not kept.exists():
        made = train(role)
        _keep(kept, made)
        return made
    with np.load(kept) as data:
        return Linear(tuple(data["labels"].tolist()), data["weights"], data["bias"], data["idf"])


def is_kept(role: Role) -> bool:
    """Is there a trained classifier for these examples and this code?"""
    return _file(role).exists()


def train(role: Role) -> Linear:
    """Train from the examples. Deterministic."""
    found = examples.of_role(role)
    count = Counter(example.intent for example in found)
    fair = len(found) / len(count)
    weight = {intent: min(RAREST, (fair / n) ** 0.5) for intent, n in count.items()} | {"out_of_scope": OUTSIDE[role]}
    return classifier.train(
        [text.normal(example.text) for example in found],
        [example.intent for example in found],
        [weight[example.intent] for example in found],
    )


@cache
def version() -> str:
    """Content hash of all that the classifiers are made from."""
    digest = hashlib.sha256(np.__version__.encode())
    for module in CODE:
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    for name in prompts.names():
        if name.startswith(f"{examples.FOLDER}/"):
            digest.update(f"{name}\0{prompts.read(name)}\0".encode())
    return digest.hexdigest()[:16]


def _file(role: Role) -> Path:
    """Inside the environment that runs us, so that it goes when that goes; else among temporary files."""
    home = Path(sys.prefix) / "share" / "doorstep"
    if not os.access(home if home.exists() else Path(sys.prefix), os.W_OK):
        home = Path(tempfile.gettempdir()) / "doorstep-understanding"
    return home / f"understanding-{role}-{version()}.npz"


def _keep(file: Path, made: Linear) -> None:
    """Written aside and moved into place, since several processes may do so at once; older ones go."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npz", delete=False) as aside:
        np.savez(aside, labels=np.array(made.labels), weights=made.weights, bias=made.bias, idf=made.idf)
    Path(aside.name).chmod(0o644)
    Path(aside.name).replace(file)
    role = file.name.rsplit("-", 1)[0]
    for old in file.parent.glob(f"{role}-*.npz"):
        if old != file:
            old.unlink(missing_ok=True)


def prepare() -> None:
    """Make what is missing, at set-up."""
    for role in ROLES:
        of_role(role)


if __name__ == "__main__":
    prepare()
