"""Results of rules that mean something to the engine; negative codes stand in zone.errors."""

from __future__ import annotations

RULE_ENGINE_CONTINUE = 5000000
RULE_ENGINE_SKIP_OPERATION = 5001000
