"""The embedded zone: a small server that speaks the iRODS protocol, for trials and tests. Not for production."""

from __future__ import annotations

__version__ = "0.1.0"
