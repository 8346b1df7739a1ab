"""A machine that has nothing but what a test puts there: pretended programs that write down how they were called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A uv that writes down how it was called, and makes what the real one would.
UV = """#!{python}
import json, os, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    sys.exit(print("uv {version}"))
with open("{log}", "a") as log:
    print(json.dumps(arguments), file=log)
if arguments[0] == "venv":
    python = pathlib.Path(arguments[-1], "bin", "python")
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\\nexec {python} \\"$@\\"\\n")
    python.chmod(0o755)
"""
# A Python that has venv and pip only where the folder `has` says so; apt-get puts venv there.
PYTHON = """#!{python}
import pathlib, shutil, sys
has, me, arguments = pathlib.Path("{has}"), pathlib.Path(__file__), sys.argv[1:]
with open("{log}", "a") as log:
    print(me.name, *arguments, file=log)
if arguments[:2] == ["-m", "venv"] and (has / "venv").exists():
    (pathlib.Path(arguments[2]) / "bin").mkdir(parents=True)
    sys.exit(not shutil.copy(me, arguments[2] + "/bin/python"))
own = me.parent.parent.name == "venv"
if arguments[:2] == ["-m", "pip"] and (own or (has / "pip").exists()):
    if arguments[2] == "install" and not (has / "registry").exists():
        sys.exit(1)
    if arguments[2] == "install":
        home = pathlib.Path(arguments[arguments.index("--target") + 1]) if "--target" in arguments else me.parent.parent
        (home / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(has / "uv", home / "bin" / "uv")
    sys.exit(0)
sys.exit(not (arguments == ["-c", "import ensurepip"] and (has / "venv").exists()))
"""
APT = '#!/bin/sh\necho "$0" "$@" >>{log}\ncase "$*" in *install*) : >{has}/venv ;; esac\n'
OLD = '#!/bin/sh\ncase "$2" in *sys.exit*) exit 1 ;; *) echo 3.9 ;; esac\n'
BROKEN = '#!/bin/sh\necho "shim: this version is not installed" >&2\nexit 127\n'


@dataclass(frozen=True)
class Machine:
    """A machine with nothing on its PATH but what a test puts there, and a clone of this repository."""

    home: Path

    @property
    def clone(self) -> Path:
        return self.home / "clone"

    def put(self, name: str, text: str) -> Path:
        file = self.home / "bin" / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def put_python(self, name: str, text: str = "good") -> None:
        good = f'#!/bin/sh\n: >"{self.home}/chosen-{name}"\nexec {sys.executable} "$@"\n'
        self.put(name, good if text == "good" else text)

    def put_uv(self, version: str = "0.9.1") -> None:
        self.put("uv", UV.format(python=sys.executable, log=self.home / "uv.log", version=version))

    def put_failing_uv(self) -> None:
        self.put_uv()
        with (self.home / "bin" / "uv").open("a") as uv:
            uv.write("sys.exit('--require-hashes' in arguments)\n")

    def set_up(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.home / "bin"), "HOME": str(self.home), "PIP_CONFIG_FILE": os.devnull, **env}
        command = ["/bin/sh", str(self.clone / "requirements" / "setup"), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=self.home)

    def uv_calls(self) -> list[list[str]]:
        """What uv was asked to do since the last look."""
        log = self.home / "uv.log"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return calls
