"""`python -m langchain_switchyard.cli`: the same as `switchyard`."""

import sys

from langchain_switchyard.cli import main

sys.exit(main())
