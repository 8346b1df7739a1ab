"""Every refusal is a problem document; what nobody foresaw says nothing but the id that it is logged under."""

from __future__ import annotations

import pytest
import structlog
from fastapi.testclient import TestClient
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import errors
from api.app import create_app
from core import errors as tree
from tests.api.visitors import refused

SECRET = "password=hunter2 at 10.0.0.7"


def answers(error: Exception) -> TestClient:
    """An app one of whose routes raises this."""
    app = create_app()

    @app.get("/raises")
    def raises() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False)


def test_an_unforeseen_exception_is_a_500_without_internals_logged_under_its_id() -> None:
    with structlog.testing.capture_logs() as logged:
        answer = answers(ZeroDivisionError(SECRET)).get("/raises")

    problem = refused(answer, 500, title="DoorstepError", detail="Something went wrong on our side.")
    assert SECRET not in answer.text
    assert "ZeroDivisionError" not in answer.text
    [entry] = [line for line in logged if line["event"] == "bug"]
    assert entry["id"] in problem["fix"]
    assert (entry["path"], entry["log_level"], entry["exc_info"]) == ("/raises", "error", True)


FROM_BELOW: list[tuple[Exception, int, str]] = [
    (DataError("INSERT secret", {}, Exception(SECRET)), 422, "BadInput"),
    (IntegrityError("INSERT secret", {}, Exception(SECRET)), 409, "Conflict"),
    (OperationalError("SELECT secret", {}, Exception(SECRET)), 503, "Unavailable"),
    (PoolTimeout(SECRET), 503, "Unavailable"),
]


@pytest.mark.parametrize(("error", "status", "title"), FROM_BELOW, ids=[type(row[0]).__name__ for row in FROM_BELOW])
def test_what_the_database_raises_is_told_in_our_words(error: Exception, status: int, title: str) -> None:
    answer = answers(error).get("/raises")

    refused(answer, status, title=title)
    assert "secret" not in answer.text.lower()
    assert "hunter2" not in answer.text


def subclasses(of: type[tree.DoorstepError]) -> list[type[tree.DoorstepError]]:
    return [of, *(each for child in of.__subclasses__() for each in subclasses(child))]


@pytest.mark.parametrize("kind", subclasses(tree.DoorstepError), ids=lambda kind: str(kind.__name__))
def test_each_error_of_the_tree_is_its_status_with_what_fix_and_field(kind: type[tree.DoorstepError]) -> None:
    answer = answers(kind("It broke.", "Mend it.", field="depot")).get("/raises")

    problem = refused(answer, kind.status, title=kind.__name__)
    assert (problem["detail"], problem["fix"], problem["field"]) == ("It broke.", "Mend it.", "depot")
    assert ("retry-after" in answer.headers) == (kind.status in (429, 503))


def test_half_a_character_in_a_message_is_told_with_a_question_mark() -> None:
    answer = answers(tree.BadInput("No \ud800 here.", "Write \udfff.")).get("/raises")

    refused(answer, 422, detail="No ? here.", fix="Write ?.")


def test_what_the_router_refuses_is_a_problem_document_too() -> None:
    caller = answers(ZeroDivisionError())

    refused(caller.get("/nowhere"), 404)
    assert refused(caller.delete("/healthz"), 405)["title"] == "Method Not Allowed"
    assert caller.delete("/healthz").headers["allow"] == "GET"


def test_the_openapi_tells_the_shape_of_a_refusal() -> None:
    document = create_app().openapi()

    for path, operations in document["paths"].items():
        for operation in operations.values():
            shape = operation["responses"]["4XX"]["content"][errors.PROBLEM]["schema"]
            assert set(shape["required"]) == set(tree.DoorstepError("x").as_problem()), path
