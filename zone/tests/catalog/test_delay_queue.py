"""The delay queue: which process may claim a job, and which one has it."""

from __future__ import annotations

from irods_zone.catalog import delay_queue
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import Cursors, execute, parse
from irods_zone.catalog.users import User
from irods_zone.errors import CAT_NO_ROWS_FOUND, CAT_SUCCESS_BUT_WITH_NO_INFO, USER_ACCESS_DENIED
from tests.support import code_of


def test_a_job_keeps_what_it_was_queued_with(db: Database, alice: User, rods: User) -> None:
    number = delay_queue.add(
        db, alice, text="code", start=100, frequency="60s", priority=7, instance="python", proxy=rods, address="host"
    )

    job = delay_queue.find(db, number)

    assert job is not None
    assert (job.text, job.start, job.frequency, job.priority, job.instance) == ("code", 100, "60s", 7, "python")
    assert (job.client, job.proxy, job.user_name) == (("alice", "tempZone"), ("rods", "tempZone"), "alice")


def test_due_jobs_are_claimed_once_the_most_urgent_first(db: Database, alice: User) -> None:
    late = delay_queue.add(db, alice, text="late", start=200)
    first = delay_queue.add(db, alice, text="first", start=90)
    second = delay_queue.add(db, alice, text="second", start=100)
    urgent = delay_queue.add(db, alice, text="urgent", start=100, priority=9)

    assert delay_queue.claim_due(db, "1", 50, 10) == []
    assert [job.id for job in delay_queue.claim_due(db, "1", 100, 2)] == [urgent, first]
    assert [job.id for job in delay_queue.claim_due(db, "2", 100, 10)] == [second]
    assert delay_queue.claim_due(db, "2", 100, 10) == []
    assert [job.id for job in delay_queue.claim_due(db, "2", 200, 10)] == [late]


def test_a_finished_job_is_gone_and_a_retried_one_is_due_again(db: Database, alice: User) -> None:
    done, again = (delay_queue.add(db, alice, text=text, start=1) for text in ("done", "again"))
    delay_queue.claim_due(db, "1", 1, 10)

    delay_queue.finish(db, done)
    delay_queue.retry(db, again, 50, "60s REPEAT UNTIL SUCCESS OR 4 TIMES")

    assert [job.id for job in delay_queue.list_jobs(db)] == [again]
    assert delay_queue.claim_due(db, "1", 49, 10) == []
    job = delay_queue.claim_due(db, "1", 50, 10)[0]
    assert (job.id, job.frequency) == (again, "60s REPEAT UNTIL SUCCESS OR 4 TIMES")


def test_claims_outlive_their_claimant_until_they_are_released(db: Database, alice: User) -> None:
    for text in ("a", "b"):
        delay_queue.add(db, alice, text=text, start=1)
    delay_queue.claim_due(db, "1", 1, 1)
    delay_queue.claim_due(db, "2", 1, 1)
    db.close()

    again = Database.open(db.path)

    assert delay_queue.claim_due(again, "3", 1, 10) == []
    assert delay_queue.release(again, "1") == 1
    assert [job.text for job in delay_queue.claim_due(again, "3", 1, 10)] == ["a"]
    assert delay_queue.release(again) == 2
    assert len(delay_queue.claim_due(again, "4", 1, 10)) == 2
    again.close()


def test_a_job_is_removed_by_its_owner_or_an_administrator(db: Database, rods: User, alice: User, bob: User) -> None:
    first, second = (delay_queue.add(db, alice, text="x", start=1) for _ in range(2))

    assert code_of(delay_queue.remove, db, bob, first) == USER_ACCESS_DENIED
    delay_queue.remove(db, alice, first)
    delay_queue.remove(db, rods, second)
    for user, code in ((alice, CAT_NO_ROWS_FOUND), (rods, CAT_SUCCESS_BUT_WITH_NO_INFO)):
        assert code_of(delay_queue.remove, db, user, first) == code
    assert delay_queue.list_jobs(db) == []


def test_iqstat_finds_jobs_by_user(db: Database, rods: User, alice: User) -> None:
    number = delay_queue.add(db, alice, text="writeLine", start=1)

    page = execute(
        db, alice, parse("select RULE_EXEC_ID, RULE_EXEC_NAME where RULE_EXEC_USER_NAME = 'alice'"), Cursors()
    )

    assert page.rows == [(str(number), "writeLine")]
