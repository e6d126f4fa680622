"""`python -m evermodel`: the command, by the interpreter that runs now."""

import sys

from evermodel.cli import main

sys.exit(main())
