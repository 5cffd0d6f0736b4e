"""The delay queue (R_RULE_EXEC): the jobs that rules have delayed, and which process runs which one now.

A claimed job carries the name of its claimant until it is finished or put back, so that no two processes run it. If
neither happens, the job stays claimed, as on a real server, until `release` is called (by the zone at its start). The
delay server decides when and how to repeat.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irods_zone.catalog.database import Database, now
from irods_zone.catalog.users import User
from irods_zone.errors import CAT_NO_ROWS_FOUND, CAT_SUCCESS_BUT_WITH_NO_INFO, USER_ACCESS_DENIED, IrodsError

DEFAULT_PRIORITY = 5
_COLUMNS = (
    "rule_exec_id, rule_name, user_name, exe_time, exe_frequency, priority, exe_address, last_exe_time, exe_status,"
    " create_ts, exe_context, lock_host_pid"
)


@dataclass(frozen=True)
class Job:
    """A queued rule. Times are seconds since 1970; `frequency` is the text of EF, '' for once."""

    id: int
    text: str
    client: tuple[str, str]
    proxy: tuple[str, str]
    start: int
    frequency: str
    priority: int
    instance: str
    address: str
    last_run: str
    status: str
    created: str
    claimed_by: str

    @property
    def user_name(self) -> str:
        """The user who queued it."""
        return self.client[0]


def add(
    db: Database,
    client: User,
    *,
    text: str,
    start: int,
    frequency: str = "",
    priority: int = DEFAULT_PRIORITY,
    instance: str = "",
    proxy: User | None = None,
    address: str = "",
) -> int:
    """Queue a job to run as `client`, not before `start`. Returns its id."""
    proxy = proxy or client
    context = {
        "instance": instance,
        "client": [client.name, client.zone],
        "proxy": [proxy.name, proxy.zone],
    }
    with db.transaction():
        number, stamp = db.next_id(), now()
        db.execute(
            "INSERT INTO R_RULE_EXEC (rule_exec_id, rule_name, rei_file_path, user_name, exe_address, exe_time,"
            " exe_frequency, priority, estimated_exe_time, notification_addr, last_exe_time, exe_status, create_ts,"
            " modify_ts, exe_context) VALUES (?,?,'EMPTY_REI_PATH',?,?,?,?,?,'','','','',?,?,?)",
            (
                number,
                text,
                client.name,
                address,
                str(start),
                frequency,
                str(priority),
                stamp,
                stamp,
                json.dumps(context),
            ),
        )
    return number


def find(db: Database, job_id: int) -> Job | None:
    """The job with that id, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM R_RULE_EXEC WHERE rule_exec_id = ?", (job_id,)).fetchone()  # noqa: S608
    return _row(row) if row else None


def list_jobs(db: Database) -> list[Job]:
    """All jobs, in the order they were queued."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM R_RULE_EXEC ORDER BY rule_exec_id").fetchall()  # noqa: S608
    return [_row(row) for row in rows]


def claim_due(db: Database, by: str, at: int, limit: int) -> list[Job]:
    """Claim up to `limit` unclaimed jobs that are due `at` a time, the highest priority first, then the earliest.

    by: the name of the claimant (a process id).
    """
    due = (
        "SELECT rule_exec_id FROM R_RULE_EXEC WHERE CAST(exe_time AS INTEGER) <= ? AND lock_host_pid = ''"
        " ORDER BY priority DESC, CAST(exe_time AS INTEGER), rule_exec_id LIMIT ?"
    )
    # Most polls find nothing, so first look without the write lock.
    if not db.execute(due, (at, 1)).fetchone():
        return []
    with db.transaction():
        ids: Sequence[int] = [row[0] for row in db.execute(due, (at, limit)).fetchall()]
        for job_id in ids:
            db.execute(
                "UPDATE R_RULE_EXEC SET lock_host = 'localhost', lock_host_pid = ?, lock_ts = ? WHERE rule_exec_id = ?",
                (by, now(), job_id),
            )
        found = [find(db, job_id) for job_id in ids]
    return [job for job in found if job is not None]


def finish(db: Database, job_id: int) -> None:
    """Take a finished job off the queue. Does nothing if it was already removed (iqdel)."""
    with db.transaction():
        db.execute("DELETE FROM R_RULE_EXEC WHERE rule_exec_id = ?", (job_id,))


def retry(db: Database, job_id: int, start: int, frequency: str) -> None:
    """Put a claimed job back, to run again at `start` with the rest of its frequency.

    Does not record whether it failed: a real server leaves the column for that empty.
    """
    with db.transaction():
        db.execute(
            "UPDATE R_RULE_EXEC SET exe_time = ?, exe_frequency = ?, last_exe_time = ?, lock_host = '',"
            " lock_host_pid = '', lock_ts = '', modify_ts = ? WHERE rule_exec_id = ?",
            (str(start), frequency, str(int(time.time())), now(), job_id),
        )


def release(db: Database, by: str | None = None) -> int:
    """Release the claims of one claimant, or all; then the jobs are due again. Returns how many there were."""
    free = "UPDATE R_RULE_EXEC SET lock_host = '', lock_host_pid = '', lock_ts = ''"
    with db.transaction():
        if by is None:
            return db.execute(f"{free} WHERE lock_host_pid <> ''").rowcount
        return db.execute(f"{free} WHERE lock_host_pid = ?", (by,)).rowcount


def remove(db: Database, user: User, job_id: int) -> None:
    """Take a job off the queue for its owner or an administrator (iqdel).

    IrodsError: USER_ACCESS_DENIED (another's job), CAT_NO_ROWS_FOUND or CAT_SUCCESS_BUT_WITH_NO_INFO (no such job).
    """
    with db.transaction():
        job = find(db, job_id)
        if job is None:
            raise IrodsError(CAT_SUCCESS_BUT_WITH_NO_INFO if user.is_admin else CAT_NO_ROWS_FOUND)
        if not user.is_admin and job.client != (user.name, user.zone):
            raise IrodsError(USER_ACCESS_DENIED)
        finish(db, job_id)


def _row(row: tuple[Any, ...]) -> Job:
    number, text, user, start, frequency, priority, address, last_run, status, created, context, claimed = row
    details: dict[str, Any] = json.loads(context) if context else {}
    client = details.get("client", [user, ""])
    return Job(
        id=number,
        text=text,
        client=(client[0], client[1]),
        proxy=tuple(details.get("proxy", client)),
        start=int(start),
        frequency=frequency or "",
        priority=int(priority) if str(priority).isdigit() else DEFAULT_PRIORITY,
        instance=details.get("instance", ""),
        address=address or "",
        last_run=last_run or "",
        status=status or "",
        created=created,
        claimed_by=claimed or "",
    )
