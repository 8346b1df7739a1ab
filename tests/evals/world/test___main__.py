from __future__ import annotations

from pathlib import Path

import pytest

from evals.world import operation
from evals.world.__main__ import chosen, line, main, parser
from evals.world.operation import Operation
from evals.world.rates import Rates
from evals.world.run import Progress
from evals.world.synthetic import city, synthetic


def test_a_seed_chooses_a_synthetic_city() -> None:
    asked = parser().parse_args(["--seed", "7", "--orders", "12", "--vans", "2", "--iterations", "50"])
    scenario = chosen(asked)
    assert scenario.iterations == 50
    assert scenario.model_copy(update={"iterations": None}) == city(Operation(), 7, 12, 2)
    assert scenario.rates == Rates()


def test_an_operation_brings_its_own_seed_size_and_rates() -> None:
    asked = parser().parse_args(["--operation", "pharmacy", "--intensity", "2"])
    scenario = chosen(asked)
    assert (scenario.name, scenario.seed) == ("pharmacy-120-5", 13)
    assert scenario.rates == operation.read("pharmacy").rates.times(2)
    fewer = chosen(parser().parse_args(["--operation", "pharmacy", "--orders", "48", "--seed", "3"]))
    assert (fewer.name, fewer.seed) == ("pharmacy-48-2", 3)


def test_an_unknown_operation_ends_with_the_names_of_those_that_ship(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--operation", "submarine"]) == 2
    assert "courier, field-service" in " ".join(capsys.readouterr().out.split())


def test_a_file_chooses_its_own_day(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("ref,name,address,lat,lon\nA-1,Ada,1 Elm Road,52.1,4.3\n")
    assert chosen(parser().parse_args(["--data", str(path)])).name == "file-orders"


@pytest.mark.parametrize(("text", "speed"), [("max", "max"), ("60", 60.0), ("x60", 60.0), ("0.5", 0.5)])
def test_speeds_are_factors_or_max(text: str, speed: object) -> None:
    assert parser().parse_args(["--speed", text]).speed == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast"])
def test_a_speed_that_goes_nowhere_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"--speed={text}"])
    assert "invalid speed value" in capsys.readouterr().err


def test_the_day_may_stop_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["--until", "10:30"]).until == "10:30"
    with pytest.raises(SystemExit):
        parser().parse_args(["--until", "half past ten"])
    assert "invalid clock_time value" in capsys.readouterr().err


def test_a_broken_file_ends_with_its_error_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("name\n")
    assert main(["--data", str(path)]) == 2
    assert "no column ref" in capsys.readouterr().out


def test_a_server_that_is_not_there_ends_with_its_error_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", "http://127.0.0.1:9", "--patience", "0.01"]) == 2
    assert "did not answer GET /api/v1/clock" in " ".join(capsys.readouterr().out.split())


def test_progress_shows_the_time_at_the_depot() -> None:
    small = synthetic(7, 12, 2)
    assert line(Progress("2 vans out", small.start, 3, 12), small) == "07:24  3/12 delivered, 2 vans out"
    assert line(Progress("fleet: 2 vans"), small) == "fleet: 2 vans"
