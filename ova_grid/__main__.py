"""`python -m ova_grid` is the command `ova-grid`."""

import sys

from ova_grid.cli import main

sys.exit(main())
