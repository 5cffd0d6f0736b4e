"""Tells the main server process to read its configuration and rules again (SIGHUP), or says who has to."""

from __future__ import annotations

import os
import signal

from ova_admin.places import Places

_BY_HAND = "send SIGHUP to the main irodsServer process (`systemctl reload irods`, or `kill -HUP PID`)"


def reload(places: Places) -> tuple[bool, str]:
    """Returns whether it was told, and, in one line, what was done or has to be done."""
    number = places.main_process()
    if number is None:
        return False, f"not reloaded: the main server process was not found (name its file with --pid-file); {_BY_HAND}"
    try:
        os.kill(number, signal.SIGHUP)
    except OSError as error:
        return False, f"not reloaded: process {number}: {error.strerror}; {_BY_HAND}"
    return True, f"reloaded: process {number}; it refuses connections for a second or two meanwhile"
