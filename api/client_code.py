"""Writes the typed Python client from the OpenAPI: a model a schema, a method an operation, one file to copy.

`doorstep client` prints it; the one in `evals/wire.py` is what the simulated world calls, and a test holds it against
the API. It needs pydantic alone: who uses it brings the function that sends.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

HEAD = '''"""The API of Doorstep as typed calls. Written by `doorstep client` from the OpenAPI: do not edit.

`Calls` takes a function that sends a request and returns the body of its answer, and raises what it makes of a refusal.
Fields that this client does not know are ignored, so that the API can grow.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter

Json = Any
"""a value of a JSON document"""
A = TypeVar("A")


def at(path: str, *parts: object) -> str:
    """A path with its parts filled in, whatever they hold."""
    return path.format(*(quote(str(part), safe="") for part in parts))


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Send(Protocol):
    """Sends one request. Raises whatever the caller wants raised when the answer is no success."""

    def __call__(self, method: str, path: str, query: Mapping[str, str], body: bytes, kind: str) -> bytes: ...
'''
CALLS = '''

class Calls:
    """One method an operation. Nothing is kept but how to send."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def _call(
        self, kind: Any, method: str, path: str, query: Mapping[str, Any], body: BaseModel | bytes = b"",
        media: str = "application/json",
    ) -> Any:
        said = {name: str(value) for name, value in query.items() if value is not None}
        content = body if isinstance(body, bytes) else body.model_dump_json(exclude_unset=True).encode()
        answer = self._send(method, path, said, content, media)
        if kind is None:
            return None
        return answer.decode() if kind is str else TypeAdapter(kind).validate_json(answer)
'''
WIDTH = 120
PLAIN = {"integer": "int", "number": "float", "boolean": "bool", "null": "None"}
TIMES = {"date-time": "datetime", "date": "date"}
VERSION = "/api/v1/"


def write(spec: Schema) -> str:
    """The client's source."""
    schemas: Mapping[str, Schema] = spec["components"]["schemas"]
    wanted = {name: schema for name, schema in schemas.items() if not name.startswith(("HTTPValid", "ValidationErr"))}
    models = [text for name, schema in wanted.items() for text in _model(name, schema)]
    calls = [
        line
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
        if "text/event-stream" not in _answer(operation).get("content", {})
        for line in _method(method.upper(), path, operation)
    ]
    return "\n".join([HEAD, *models, CALLS.rstrip("\n").removeprefix("\n"), *calls]) + "\n"


# Models ---------------------------------------------------------------------------------------------------------------


def _class(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name) if part)


def _model(name: str, schema: Schema) -> Iterator[str]:
    yield f"\nclass {_class(name)}(Model):"
    if "description" in schema:
        yield from _docstring(schema["description"], "    ")
        yield ""
    fields = schema.get("properties", {})
    if not fields and "description" not in schema:
        yield "    pass"
    for field, kind in fields.items():
        may_be_null = any(each.get("type") == "null" for each in kind.get("anyOf", ()))
        default = "" if field in schema.get("required", ()) and not may_be_null else _default(kind)
        yield f"    {field}: {_optional(_type(kind), default)}{default}"
    yield ""


def _default(kind: Schema) -> str:
    """What is left out is the API's matter; None and empty stand for it here."""
    value = kind.get("default")
    if isinstance(value, bool | int | float | str):
        return f" = {value!r}".replace("'", '"')
    return " = ()" if kind.get("type") == "array" else " = {}" if kind.get("type") == "object" else " = None"


def _optional(kind: str, default: str) -> str:
    return f"{kind} | None" if default == " = None" and kind != "Json" and "None" not in kind.split(" | ") else kind


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _class(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(_quoted(value) for value in values)}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "string":
        return TIMES.get(schema.get("format", ""), "str")
    if kind == "array":
        parts = [_type(each) for each in schema.get("prefixItems", ())]
        return f"tuple[{', '.join(parts)}]" if parts else f"tuple[{_type(schema.get('items', {}))}, ...]"
    if kind == "object":
        inside = schema.get("additionalProperties", True)
        return f"dict[str, {_type(inside) if isinstance(inside, Mapping) else 'Json'}]"
    return PLAIN.get(str(kind), "Json")


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _docstring(text: str, indent: str) -> Iterator[str]:
    width = WIDTH - len(indent) - len('""""""')
    blocks = [textwrap.wrap(" ".join(block.split()), width) for block in text.strip().split("\n\n")]
    lines = [line for block in blocks for line in ("", *block)][1:]
    if len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
        return
    yield f'{indent}"""{lines[0]}'
    yield from (f"{indent}{line}".rstrip() for line in lines[1:])
    yield f'{indent}"""'


def _folded(indent: str, head: str, parts: list[str], tail: str) -> Iterator[str]:
    """`head` parts `tail` on one line, or the parts on lines of their own."""
    whole = f"{indent}{head}{', '.join(parts)}{tail}"
    if len(whole) <= WIDTH:
        yield whole
        return
    yield f"{indent}{head}"
    line = ""
    for part in parts:
        if line and len(f"{indent}    {line} {part},") > WIDTH:
            yield f"{indent}    {line}"
            line = ""
        line = f"{line} {part}," if line else f"{part},"
    yield f"{indent}    {line}"
    yield f"{indent}{tail}"


# Methods --------------------------------------------------------------------------------------------------------------


def _answer(operation: Schema) -> Schema:
    found: Schema = next((said for code, said in operation["responses"].items() if code.startswith("2")), {})
    return found


def _method(method: str, path: str, operation: Schema) -> Iterator[str]:
    named = [each for each in operation.get("parameters", ()) if each["in"] in ("path", "query")]
    needed = [each for each in named if each["in"] == "path" or each.get("required")]
    given = [f"{_word(each['name'])}: {_type(each['schema'])}" for each in needed]
    body, media = _body(operation)
    given += [f"body: {body}"] if body else []
    others = [_question(each) for each in named if each not in needed]
    kind = _kind(operation)
    head = ["self", *given, *(["*", *others] if others else [])]
    yield ""
    yield from _folded("    ", f"def {operation['operationId']}(", head, f") -> {kind}:")
    yield from _docstring(operation.get("description") or operation["summary"], "        ")
    query = [f'"{each["name"]}": {_word(each["name"])}' for each in named if each["in"] == "query"] or [""]
    query[0], query[-1] = f"{{{query[0]}", f"{query[-1]}}}" if len(query) > 1 else f"{{{query[0]}}}"
    sent = [f'"{method}"', _path(path), *query, *(["body"] if body else [])]
    sent += [f'media="{media}"'] if media not in ("", "application/json") else []
    yield from _folded("        ", f"{'' if kind == 'None' else f'answer: {kind} = '}self._call(", [kind, *sent], ")")
    if kind != "None":
        yield "        return answer"


def _question(parameter: Schema) -> str:
    kind = _type(parameter["schema"])
    return f"{_word(parameter['name'])}: {_optional(kind, ' = None')} = None"


def _word(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) or name in ("format", "self") else name


def _path(path: str) -> str:
    versioned = path.replace("/api/", VERSION, 1) if path.startswith("/api/") else path
    parts = [_word(name) for name in re.findall(r"{(\w+)}", versioned)]
    if not parts:
        return f'"{versioned}"'
    blank = re.sub(r"{\w+}", "{}", versioned)
    return f'at("{blank}", {", ".join(parts)})'


def _body(operation: Schema) -> tuple[str, str]:
    content = operation.get("requestBody", {}).get("content", {})
    for media, said in content.items():
        modelled = media == "application/json" and "$ref" in said["schema"]
        return (_type(said["schema"]) if modelled else "bytes"), media
    return "", ""


def _kind(operation: Schema) -> str:
    content = _answer(operation).get("content", {})
    if "application/json" in content:
        return _type(content["application/json"].get("schema", {}))
    return "str" if content else "None"
