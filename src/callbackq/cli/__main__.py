"""`python -m callbackq.cli` is the same as `callbackq`."""

from callbackq.cli import main

main()
