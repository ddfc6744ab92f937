#!/usr/bin/python3 -ES
"""Moves one name to its new host: read, compare, set, read back; and back again when that fails."""
import math
import socket
import sys
import time

sys.dont_write_bytecode = True
from authority import Stop, finish, probe
from move import Move


def follow(move, remembered_s, end):
    """The declared resolvers of clients that still do not follow once the old answer may live no longer there.

    They are named, not failed: the name has moved, and to stop here would leave the new primary without
    backups for the sake of a cache. Their clients reach a host that is fenced, so nothing is written there.
    A TTL that nobody lowered ahead is not waited for longer than `wait`.
    """
    told = move.followed_by(end)
    for resolver, said in told.items():
        if said:
            probe(f"resolver {resolver} lags", True, f"{move.target}, or to be named here",
                  f"{said}; it may have kept that for {remembered_s} s")
        else:
            probe(f"resolver {resolver} follows", True, move.target, move.target)
    return sorted(resolver for resolver, said in told.items() if said)


def ask_as_a_client(move, end):
    """What a program on this machine is told, by whatever resolver this machine has. Noted, not judged: it
    may be a resolver that nobody declared."""
    told = ""
    while told != move.target:
        try:
            told = " ".join(sorted({found[4][0] for found in socket.getaddrinfo(
                move.name, None, socket.AF_INET, socket.SOCK_STREAM)}))
        except OSError as error:
            told = str(error)
        if time.monotonic() >= end:
            break
        time.sleep(0 if told == move.target else 0.2)
    probe("a client on this machine is told", True, f"{move.target}, or to be named here", told)


def main():
    move = Move()
    held, ttl = move.held()
    # A TTL that was lowered a moment ago is not what resolvers were told before that.
    remembered_s = max(move.remembered_s(held, ttl), math.ceil(move.forgotten_at_s - time.time()))
    if held == move.target and move.answered() == move.target:
        # A retry after success, or nobody moved at all: only the authority's word counts, and it is right.
        probe("the name points at the target already", True, move.target, held)
    elif held not in (move.expected, move.target):
        raise Stop("conflict", f"{move.name} points at {held or 'nothing'}, expected "
                   f"{move.expected or 'nothing'}; somebody else moved it. Nothing was changed")
    else:
        probe("the name pointed where it was expected", True, move.expected or "nothing", held or "nothing")
        move.set(move.target)
        try:
            stored, said = move.held()[0], move.answered()
        except Stop as lost:
            stored, said = f"no answer ({lost})", ""
        if (stored, said) != (move.target, move.target):
            move.set(held)
            probe("the authority answers the target", False, move.target, f"stored {stored}, answered {said}")
            raise Stop("partial", f"the authority did not answer {move.target} after the change; "
                       f"{held or 'nothing'} was put back and is now answered as {move.answered() or 'nothing'}")
    when = int(time.time() * 1000)
    said = move.answered()
    probe("API and authority agree on the target", said == move.target, move.target, said)
    end = time.monotonic() + min(remembered_s + 2, move.wait_s)
    laggards = follow(move, remembered_s, end)
    ask_as_a_client(move, end)
    return {"address": move.target, "previous": move.expected, "serial": move.serial(),
            "cut_over_at_ms": when, "laggards": laggards}


finish(main)
