#!/usr/bin/python3 -ES
"""Shortens the life of one record's answers, long before the record is moved; its address stays."""
import sys
import time

sys.dont_write_bytecode = True
from authority import Stop, finish, probe
from rrset import Record


def main():
    record = Record()
    held, ttl = record.held()
    if held != record.expected:
        raise Stop("conflict", f"{record.name} points at {held or 'nothing'}, expected {record.expected}; "
                   "somebody else moved it. Nothing was changed")
    if ttl > record.ttl:
        record.set(held)
    stored, said = record.held(), record.answered()
    probe("the authority goes on answering the address", said == held, held, said)
    probe("its answers live short enough", stored[0] == held and stored[1] <= record.ttl,
          f"at most {record.ttl} s", f"{stored[1]} s, was {ttl} s")
    return {"previous_ttl": ttl, "forgotten_at_ms": int(time.time() * 1000) + ttl * 1000}


finish(main)
