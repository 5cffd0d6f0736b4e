"""The delay server: runs queued jobs when they are due, each in a separate process, as the user who queued it.

The queue is the catalog's. A job stays in it until it has run: a job that was running when the zone died runs again
after a restart. A job that crashes or blocks affects no other, but occupies one of the executors.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import time

from irods_zone import log, processes
from irods_zone.catalog import delay_queue, users
from irods_zone.catalog.database import Database
from irods_zone.catalog.delay_queue import Job
from irods_zone.catalog.users import User
from irods_zone.config import ZoneConfig
from irods_zone.errors import CAT_INVALID_USER, IrodsError
from irods_zone.operations import closing, servers
from irods_zone.prep import engine, execution
from irods_zone.prep.repeat import next_run
from irods_zone.session import Session

# Seconds between two polls of the queue, and how many jobs run at once (a real server's default).
INTERVAL = 0.1
EXECUTORS = 4

OPTION = "irodsDelayServer"


def run(config: ZoneConfig) -> None:
    """Serve the queue until this process ends."""
    DelayServer(config).serve()


class DelayServer:
    """The queue's process and its executors."""

    def __init__(self, config: ZoneConfig) -> None:
        self._config = config
        self._log = log.open_log(config.root)
        self._running: dict[int, Job] = {}
        self._seen: tuple[int, ...] = ()
        self._next_due = 0.0

    def serve(self) -> None:
        """Poll the queue as long as the server that started this process lives."""
        server = os.getppid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.closing(Database.open(self._config.catalog_path)) as database:
            delay_queue.release(database)
        while os.getppid() == server:
            try:
                self.step(time.time())
            except Exception:
                self._log.exception("the delay queue cannot be served now")
            time.sleep(INTERVAL)

    def step(self, now: float) -> None:
        """Note the jobs that have ended and start those that are due."""
        ended = self._reap()
        free = EXECUTORS - len(self._running)
        if not ended and not (free and self._may_be_due(now)):
            return
        # The catalog is open only between forks: a child must not inherit an open one.
        with contextlib.closing(Database.open(self._config.catalog_path)) as database:
            for job, succeeded in ended:
                self._conclude(database, job, succeeded)
            jobs = delay_queue.claim_due(database, str(os.getpid()), int(now), free)
            waiting = [job.start for job in delay_queue.list_jobs(database) if not job.claimed_by]
            self._next_due = min(waiting, default=math.inf)
        for job in jobs:
            self._start(job)

    def _may_be_due(self, now: float) -> bool:
        """Whether time or a change of the catalog may have made a job due; otherwise no query is needed."""
        stamp = []
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                status = self._config.catalog_path.with_name(self._config.catalog_path.name + suffix).stat()
                stamp += [status.st_mtime_ns, status.st_size]
        changed, self._seen = tuple(stamp) != self._seen, tuple(stamp)
        return changed or now >= self._next_due

    def _start(self, job: Job) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                processes.default_signals()
                processes.die_with_parent(parent)
                code = 0 if execute(self._config, job, self._log) else 1
            finally:
                os._exit(code)
        self._running[pid] = job

    def _reap(self) -> list[tuple[Job, bool]]:
        ended = []
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            job = self._running.pop(pid)
            if os.WIFSIGNALED(status):
                self._log.error("delayed job %d was killed by signal %d", job.id, os.WTERMSIG(status))
            ended.append((job, status == 0))
        return ended

    def _conclude(self, database: Database, job: Job, succeeded: bool) -> None:
        try:
            following = next_run(job.frequency, int(time.time()), succeeded)
        except IrodsError as error:
            self._log.error("delayed job %d does not run again: %s", job.id, error)
            following = None
        if following is None:
            delay_queue.finish(database, job.id)
        else:
            delay_queue.retry(database, job.id, following.start, following.frequency)


def execute(config: ZoneConfig, job: Job, logger: logging.Logger) -> bool:
    """Run one job in this process. Returns whether it succeeded. Logs failures with the job's id and user."""
    os.chdir(config.root)
    try:
        with contextlib.closing(Database.open(config.catalog_path)) as database:
            client, proxy = _user(database, job.client), _user(database, job.proxy)
            session = Session(config, database, client, proxy, option=OPTION)
            engine.attach(session, job.id)
            try:
                execution.run_delayed(session, job.text, job.instance)
            finally:
                closing.abandon_all(session)
                servers.leave_all(session)
                if session.trace is not None:
                    session.trace.close()
    except IrodsError as error:
        logger.error("delayed job %d of %s failed: %s", job.id, job.user_name, error)
        return False
    except Exception:
        logger.exception("delayed job %d of %s failed", job.id, job.user_name)
        return False
    return True


def _user(database: Database, name_and_zone: tuple[str, str]) -> User:
    user = users.find(database, *name_and_zone)
    if user is None:
        raise IrodsError(CAT_INVALID_USER, f"there is no user {'#'.join(name_and_zone)} any more")
    return user
