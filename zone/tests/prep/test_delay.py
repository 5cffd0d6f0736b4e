"""Conditions of delayed jobs: when they run, and when they run again. Pure."""

from __future__ import annotations

import time

import pytest

from irods_zone.errors import IrodsError
from irods_zone.prep.delay import DelayCondition, parse_condition
from irods_zone.prep.repeat import Next, next_run

NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<PLUSET>1s</PLUSET>", DelayCondition(NOW + 1)),
        ("<PLUSET>2m</PLUSET>", DelayCondition(NOW + 120)),
        ("<PLUSET>3</PLUSET>", DelayCondition(NOW + 3)),
        ("<ET>1800000000</ET>", DelayCondition(1_800_000_000)),
        ("<EF>60s REPEAT UNTIL SUCCESS OR 5 TIMES</EF>", DelayCondition(NOW, "60s REPEAT UNTIL SUCCESS OR 5 TIMES")),
        (
            "<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME><PLUSET>1h</PLUSET>",
            DelayCondition(NOW + 3600, instance="irods_rule_engine_plugin-python-instance"),
        ),
        ("<PRIORITY>9</PRIORITY>", DelayCondition(NOW, priority=9)),
        ("", DelayCondition(NOW)),
    ],
)
def test_a_condition_says_when_how_often_and_where(text: str, expected: DelayCondition) -> None:
    assert parse_condition(text, NOW) == expected


def test_a_time_may_be_a_date() -> None:
    date = time.strftime("%Y-%m-%d.%H:%M:%S", time.localtime(NOW))
    assert parse_condition(f"<ET>{date}</ET>", 0).start == NOW


@pytest.mark.parametrize(
    "text", ["<PLUSET>soon</PLUSET>", "<ET>tomorrow</ET>", "<PRIORITY>10</PRIORITY>", "<PRIORITY>x</PRIORITY>"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(IrodsError):
        parse_condition(text, NOW)


@pytest.mark.parametrize("succeeded", [True, False])
def test_without_ef_a_job_is_gone_after_one_run(succeeded: bool) -> None:
    assert next_run("", NOW, succeeded) is None


@pytest.mark.parametrize("text", ["30s", "30s REPEAT FOR EVER"])
def test_a_span_alone_repeats_for_ever(text: str) -> None:
    assert next_run(text, NOW, True) == Next(NOW + 30, text)


def test_until_success_ends_with_success() -> None:
    assert next_run("1m REPEAT UNTIL SUCCESS", NOW, True) is None
    assert next_run("1m REPEAT UNTIL SUCCESS", NOW, False) == Next(NOW + 60, "1m REPEAT UNTIL SUCCESS")


def test_times_are_counted_down_and_the_original_count_is_kept() -> None:
    frequency, runs = "60s REPEAT UNTIL SUCCESS OR 3 TIMES", 1
    seen = []
    while (following := next_run(frequency, NOW, False)) is not None:
        frequency, runs = following.frequency, runs + 1
        seen.append(frequency)
    assert runs == 3
    assert seen == [
        "60s REPEAT UNTIL SUCCESS OR 2 TIMES. ORIGINAL TIMES=3",
        "60s REPEAT UNTIL SUCCESS OR 1 TIMES. ORIGINAL TIMES=3",
    ]


def test_n_times_ignores_success() -> None:
    assert next_run("5s REPEAT 2 TIMES", NOW, True) == Next(NOW + 5, "5s REPEAT 1 TIMES. ORIGINAL TIMES=2")


def test_double_waits_twice_as_long_each_time() -> None:
    assert next_run("5s DOUBLE FOR EVER", NOW, False) == Next(NOW + 5, "10s DOUBLE FOR EVER")
    assert next_run("10s DOUBLE UNTIL SUCCESS", NOW, False) == Next(NOW + 10, "20s DOUBLE UNTIL SUCCESS")


def test_until_a_time_ends_when_the_next_run_would_be_later() -> None:
    assert next_run(f"10s REPEAT UNTIL {NOW + 5}", NOW, False) is None
    assert next_run(f"10s REPEAT UNTIL {NOW + 15}", NOW, False) is not None
    assert next_run(f"10s REPEAT UNTIL SUCCESS OR UNTIL {NOW + 5}", NOW, False) is None


def test_a_span_as_a_time_counts_from_each_run() -> None:
    assert next_run("4s DOUBLE UNTIL SUCCESS OR UNTIL 6s", NOW, False) == Next(
        NOW + 4, "8s DOUBLE UNTIL SUCCESS OR UNTIL 6s"
    )
    assert next_run("8s DOUBLE UNTIL SUCCESS OR UNTIL 6s", NOW, False) is None
    assert next_run("4s DOUBLE UNTIL SUCCESS UPTO 5s", NOW, False) == Next(NOW + 4, "8s DOUBLE UNTIL SUCCESS UPTO 5s")
    assert next_run("8s DOUBLE UNTIL SUCCESS UPTO 5s", NOW, False) == Next(NOW + 8, "8s DOUBLE UNTIL SUCCESS UPTO 5s")
