"""`python -m crm_sync`: the command line, where the console script is not on PATH."""

from crm_sync.cli import main

main(prog_name="crm-sync")
