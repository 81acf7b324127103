"""`huanlian`: the command line."""

from __future__ import annotations

import sys

from backend.cli.app import build_app
from backend.cli.failing import one_line_and_exit


def main() -> None:
    """Run the command line; what goes wrong is one line and a non-zero exit."""
    try:
        build_app()()
    except Exception as error:
        sys.exit(one_line_and_exit(error))
