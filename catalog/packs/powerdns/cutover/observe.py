#!/usr/bin/python3 -ES
"""Read-only twin: exit 0 when the name points at the target, 3 when it points where it did, else 1."""
import sys
import time

sys.dont_write_bytecode = True
from authority import Stop, finish, probe
from move import Move


def main():
    move = Move()
    held, said = move.held()[0], move.answered()
    if held == said == move.expected:
        sys.exit(3)
    if held != move.target or said != move.target:
        raise Stop("conflict", f"{move.name} is stored as {held or 'nothing'} and answered as "
                   f"{said or 'nothing'}; neither the old nor the new state")
    probe("the name points at the target", True, move.target, said)
    return {"address": move.target, "previous": move.expected, "serial": move.serial(),
            "cut_over_at_ms": int(time.time() * 1000),
            "laggards": sorted(resolver for resolver, said in move.followed_by(0).items() if said)}


finish(main)
