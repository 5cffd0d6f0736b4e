"""`python -m ova_admin`, as the launcher in the prefix runs it."""

import sys

from ova_admin.cli import main

sys.exit(main())
