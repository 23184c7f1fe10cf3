"""`python -m converter.tools`: the `mslite` command."""

import sys

from converter.tools import main

sys.exit(main())
