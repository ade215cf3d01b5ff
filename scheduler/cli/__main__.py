"""``python -m scheduler.cli``: the same as the command ``placement-scheduler``."""

import sys

from scheduler.cli.main import main

sys.exit(main())
