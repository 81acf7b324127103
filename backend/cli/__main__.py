"""`python -m backend.cli` is `huanlian`."""

from backend.cli import main

main()
