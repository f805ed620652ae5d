"""`python -m limen`: the same as the `limen` command."""

from limen.cli import main

main()
