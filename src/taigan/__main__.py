"""`python -m taigan`."""

from taigan.cli import main

main()
