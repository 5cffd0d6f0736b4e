"""How hypothesis runs here: no deadline, since a loaded machine is no fault of the codec."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("protocol", deadline=None)
settings.load_profile("protocol")
