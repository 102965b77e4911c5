"""`python -m marey`: the command line, for launchers that start modules."""

from marey.cli import main

main(prog_name="marey")
