"""The document matches the results, and the numbers computed from samples are right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import figures, report
from bench.results import RESULTS, Recorder, Result, Series
from bench.scale_model import Costs, Site, busy, fewest_servers, simulate

COSTS = Costs(agent=0.02, catalog=0.005, disk=0.002, queries=10, check=0.001)


def series(*values: float) -> Series:
    return Series("x", "ms", {}, values)


def test_the_document_is_made_from_the_results() -> None:
    _, generated, _ = report.split(report.DOCUMENT.read_text(encoding="utf-8"))

    assert generated == report.text(report.load(RESULTS))


def test_what_people_wrote_around_it_stays() -> None:
    document = report.DOCUMENT.read_text(encoding="utf-8")

    assert "".join(report.split(document)) == document
    with pytest.raises(ValueError, match="marker"):
        report.split("no markers")


def test_results_name_no_machine() -> None:
    import os

    for file in RESULTS.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert os.uname().nodename not in text.split('"')
        assert "/tmp/" not in text and "/home/" not in text.replace("/tempZone/home/", "")


def test_samples_of_one_thing_are_one_series_and_come_back(tmp_path: Path) -> None:
    recorder = Recorder("part", True, tmp_path)
    recorder.add("set", "ms", [1.23456], mib=16)
    recorder.add("set", "ms", [2], mib=16)
    recorder.add("set", "ms", [3], mib=32)

    kept = Result.load(recorder.result().save(tmp_path))

    assert kept.find("set", mib=16) == Series("set", "ms", {"mib": 16}, (1.2346, 2))
    assert kept.find("set", mib=64) is None
    assert kept.labels("mib", "set") == [16, 32]
    with pytest.raises(LookupError):
        kept.find("set")


def test_a_ratio_is_that_of_the_medians_with_the_range_of_the_rounds() -> None:
    assert figures.ratio(series(2, 4, 6), series(1, 1, 2)) == "4 (2 to 4)"
    assert figures.ratio(series(2, 4), series(1, 1), series(1, 3)) == "1 (1 to 1)"
    assert figures.ratio(series(2), None) == figures.MISSING


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1)])
def test_percentiles_are_samples(percent: float, expected: float) -> None:
    assert figures.percentile(list(range(100, 0, -1)), percent) == expected


def test_the_simulation_is_the_same_each_time() -> None:
    assert simulate(COSTS, Site(2)) == simulate(COSTS, Site(2))


def test_with_room_to_spare_a_change_takes_what_its_parts_take() -> None:
    quiet = replace(Site(4), changes=5.0)

    mean_of_parts = COSTS.agent + COSTS.catalog + COSTS.disk

    assert 0.5 * mean_of_parts < simulate(COSTS, quiet).median < 1.2 * mean_of_parts


def test_what_is_nearly_always_busy_makes_changes_wait() -> None:
    site = replace(Site(1), cores=2)

    assert 0.9 < busy(COSTS, site)["processors"] < 1.1
    assert simulate(COSTS, site).tail > 5 * simulate(COSTS, replace(site, cores=8)).tail


def test_servers_do_not_help_where_the_catalog_is_the_limit() -> None:
    assert fewest_servers(COSTS, Site(1)) == 1
    assert fewest_servers(COSTS, replace(Site(1), connections=0.5)) is None  # type: ignore[arg-type]
    assert fewest_servers(COSTS, replace(Site(1), cores=1)) == 3
