"""`python -m slmr.cli`."""

from slmr.cli.app import main

main()
