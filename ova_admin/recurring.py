"""The recurring job: one delayed rule of the administrator, which runs this command on the server (`admin_command`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_admin.errors import AdminError
from ova_admin.install.server_config import INSTANCE
from ova_admin.places import DEFAULT_ETC, DEFAULT_PREFIX
from ova_admin.rule_text import run_python
from ova_grid.connection import message, rows
from ova_rules.settings import FILE_NAME

if TYPE_CHECKING:
    from irods.session import iRODSSession

JOB = "import core; core.ova_reconcile_job(callback)"
_OBSTACLE = "import core\ncore.ova_reconcile_obstacle(callback)"
REMEDY = f"set admin_command to {DEFAULT_PREFIX}/bin/ova-admin in {DEFAULT_ETC}/{FILE_NAME}, or where yours lie"
_SPAN = re.compile(r"([1-9]\d{0,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHORTEST = 60


@dataclass(frozen=True)
class Job:
    """A queued rule. frequency: as in the queue."""

    number: int
    frequency: str

    @property
    def every(self) -> str:
        """The time between two runs, in the form of `--every`."""
        return self.frequency.partition(" ")[0]


def frequency(every: str) -> str:
    """The queue's form of `1h`, `30m`, `2d`. Raises AdminError."""
    found = _SPAN.fullmatch(every)
    if found is None or int(found[1]) * _SECONDS[found[2]] < _SHORTEST:
        raise AdminError(f"--every {every}: say a time such as 30m, 1h or 1d, at least {_SHORTEST}s")
    return f"{every} REPEAT FOR EVER"


def jobs(session: iRODSSession) -> list[Job]:
    """The recurring jobs that are queued, the oldest first. Raises AdminError."""
    from irods.column import Like
    from irods.models import RuleExec

    query = session.query(RuleExec.id, RuleExec.name, RuleExec.frequency).filter(
        Like(RuleExec.name, "%core.ova_reconcile_job(%")
    )
    found = [
        Job(int(row[RuleExec.id]), row[RuleExec.frequency] or "") for row in rows(query) if JOB in row[RuleExec.name]
    ]
    return sorted(found, key=lambda job: job.number)


def obstacle(session: iRODSSession) -> str:
    """Why the answering server could not run the job, according to its agent; "" if it could. Raises AdminError."""
    return run_python(session, _OBSTACLE).strip()


def start(session: iRODSSession, every: str) -> bool:
    """Queues the job unless exactly this one is queued; removes other copies. Returns whether anything changed.

    Raises AdminError, and changes nothing, if the server could not run the job.
    """
    wanted = frequency(every)
    why = obstacle(session)
    if why:
        raise AdminError(f"--every: the server cannot run this job: {why}; {REMEDY}")
    present = jobs(session)
    keep = next((job for job in present if job.frequency.split() == wanted.split()), None)
    for job in present:
        if job != keep:
            _remove(session, job)
    if keep is not None:
        return len(present) > 1
    condition = f"<INST_NAME>{INSTANCE}</INST_NAME><PLUSET>1s</PLUSET><EF>{wanted}</EF>"
    run_python(session, f"callback.delayExec({condition!r}, {JOB!r}, '')")
    for job in jobs(session)[1:]:  # another ova-admin has just done the same
        _remove(session, job)
    return True


def stop(session: iRODSSession) -> int:
    """Removes it from the queue. Returns how many there were."""
    present = jobs(session)
    for job in present:
        _remove(session, job)
    return len(present)


def _remove(session: iRODSSession, job: Job) -> None:
    from irods.rule import Rule

    try:
        Rule(session).remove_by_id(job.number)
    except Exception as error:
        raise AdminError(f"job {job.number} cannot be taken off the queue: {message(error)}") from error
