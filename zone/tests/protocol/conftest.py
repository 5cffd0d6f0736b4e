"""Settings of hypothesis: no deadline, because a loaded machine is not a fault of the codec."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("protocol", deadline=None)
settings.load_profile("protocol")
