"""The command line: one module a command."""

from slmr.cli.app import main

__all__ = ["main"]
