"""The zone's log: one line per event in ROOT/log/zone.log, written by all its processes.

Lines are short and the file is opened for append, so that lines of several processes do not mix.
"""

from __future__ import annotations

import logging
from pathlib import Path

NAME = "irods-zone"


def open_log(root: Path, level: int = logging.INFO) -> logging.Logger:
    """The logger `irods-zone`, writing to ROOT/log/zone.log; another call changes the root."""
    directory = root / "log"
    directory.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(NAME)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handler = logging.FileHandler(directory / "zone.log", encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s [%(process)d] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    return logger


class _OneLine(logging.Formatter):
    """Escapes line breaks in messages that quote a client, so that clients cannot forge lines. Keeps tracebacks."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
