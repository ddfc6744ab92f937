#!/usr/bin/python3 -ES
"""Sums up what clients now stand on, after asking the authority and the database a last time."""
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
from authority import Stop, finish, inputs, probe, query


def speaks_postgresql(address, port):
    """True when a server answers PostgreSQL's SSLRequest with its one byte: a listener, not only a port."""
    try:
        with socket.create_connection((address, port), timeout=3) as wire:
            wire.sendall(struct.pack(">II", 8, 80877103))
            return wire.recv(1) in (b"S", b"N")
    except OSError as error:
        raise Stop("unavailable", f"{address}:{port} does not answer: {error}") from error


def main():
    given = inputs()
    address, port = given["hosts"][0]["address"], given["port"]
    sure, _, answers = query(given["authority"], given["authority_port"], given["name"], "A")
    probe("the authority sends clients to the new primary", sure and answers == [address], address,
          " ".join(answers))
    probe("the new primary answers from the runner", speaks_postgresql(address, port), "PostgreSQL", "asked")
    print(f"{given['operation']}: {given['name']}:{port} is at {address}, timeline {given['timeline']}")
    return {"service": f"{given['name']}:{port} at {address}", "lsn": given["lsn"],
            "timeline": given["timeline"], "highest_n": given["highest_n"], "backup": given["backup"],
            "cut_over_at_ms": given["cut_over_at_ms"], "published_at_ms": int(time.time() * 1000)}


finish(main)
