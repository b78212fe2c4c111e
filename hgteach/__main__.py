"""Lets ``python -m hgteach`` do the same as ``hgteach``."""

import sys

from hgteach.cli import main

sys.exit(main())
