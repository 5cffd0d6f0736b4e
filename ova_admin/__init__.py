"""The administrator's tool: puts the rules into an iRODS server, shows that they work, looks after components.

Runs on the server, as root or as the service account. It may import `rules` and `ova_tools` (to ask them what they
think); nothing imports it.
"""

import sys
from pathlib import Path

# pip installs neither rules/ nor core.py; they stand beside this package, in a clone as in the prefix.
_root = str(Path(__file__).resolve().parents[1])
if _root not in sys.path:
    sys.path.append(_root)
