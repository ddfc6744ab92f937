#!/usr/bin/python3
"""The drill's judge: a client that writes numbered rows through the service's name and keeps what it was told.

    client.py --log FILE --passfile FILE [--name db.hyops.test] [--pause-ms 100] [--detach]

Each row takes a fresh connection, so each looks the name up again. A line of the log is
`acknowledged N EPOCH_MS` only after psql saw the insert committed, and is on disk before the next row;
`failed N EPOCH_MS REASON` otherwise, and N is tried again until it is acknowledged. A retry may find the
row there: then an earlier attempt was committed and only its answer was lost, which psql tells apart
(`INSERT 0 0`) and the log too (`acknowledged N EPOCH_MS found`). SIGTERM ends it after the row in hand.
With --detach the command returns as soon as the client stands on its own.
"""
import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import threading
import time

stopping = threading.Event()
# The newest psql itself: Debian's /usr/bin/psql is a wrapper that costs more than an insert.
PSQL = max(glob.glob("/usr/lib/postgresql/*/bin/psql"), default="/usr/bin/psql")


def options():
    parser = argparse.ArgumentParser(description="Writes numbered rows without stopping; see the file's head.")
    parser.add_argument("--log", required=True, help="appended to; an existing one is continued after its last N")
    parser.add_argument("--passfile", required=True, help="libpq password file, mode 0600")
    parser.add_argument("--name", default="db.hyops.test")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--database", default="app")
    parser.add_argument("--role", default="app")
    parser.add_argument("--table", default="entries")
    parser.add_argument("--pause-ms", type=int, default=100, help="between two rows and between two attempts")
    parser.add_argument("--limit-ms", type=int, default=1500, help="an attempt ends after this long")
    parser.add_argument("--detach", action="store_true", help="go on in a session of its own")
    chosen = parser.parse_args()
    if not re.fullmatch(r"[a-z_][a-z0-9_.]*", chosen.table):
        parser.error("--table is a plain name")
    return chosen


def last_acknowledged(path):
    """Continues a log, also one whose last line was cut."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as log:
        numbers = [int(line.split()[1]) for line in log
                   if re.fullmatch(r"acknowledged [0-9]+ [0-9]+( found)?\n", line)]
    return max(numbers, default=0)


def attempt(chosen, number):
    """("", found) when row `number` is durable, else (reason, False)."""
    limit_s = chosen.limit_ms / 1000
    # libpq takes no connect_timeout below two seconds; the limit on the whole attempt does the rest.
    where = (f"host={chosen.name} port={chosen.port} dbname={chosen.database} user={chosen.role} "
             f"connect_timeout=2 tcp_user_timeout={chosen.limit_ms} application_name=drill-client")
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PGPASSFILE": chosen.passfile,
           "PGOPTIONS": f"-c statement_timeout={chosen.limit_ms} -c synchronous_commit=on"}
    statement = f"INSERT INTO {chosen.table} (n) VALUES ({number}) ON CONFLICT (n) DO NOTHING"
    try:
        done = subprocess.run([PSQL, "-Xw", "-v", "ON_ERROR_STOP=1", "-d", where, "-c", statement],
                              env=env, capture_output=True, text=True, timeout=limit_s, check=False,
                              start_new_session=True)
    except subprocess.TimeoutExpired:
        return f"no answer within {chosen.limit_ms} ms", False
    said = done.stdout.strip()
    if done.returncode == 0 and said in ("INSERT 0 1", "INSERT 0 0"):
        return "", said == "INSERT 0 0"
    reason = " ".join((done.stderr.strip() or said or f"psql ended with {done.returncode}").split())
    return reason[-200:], False


def detach():
    """Ends the process that was started only when the one that goes on is out of its reach: whoever started it
    may then end all that is left of its session."""
    ours, theirs = os.pipe()
    if os.fork():
        os.close(theirs)
        os.read(ours, 1)  # until the other end is closed
        os._exit(0)
    os.setsid()
    os.close(theirs)


def main():
    chosen = options()
    if chosen.detach:
        detach()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    number = last_acknowledged(chosen.log) + 1
    log = os.open(chosen.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    while not stopping.is_set():
        reason, found = attempt(chosen, number)
        now = int(time.time() * 1000)
        if reason:
            os.write(log, f"failed {number} {now} {reason}\n".encode())
        else:
            os.write(log, f"acknowledged {number} {now}{' found' if found else ''}\n".encode())
            os.fsync(log)
            number += 1
        stopping.wait(chosen.pause_ms / 1000)
    os.fsync(log)
    os.close(log)
    return 0


sys.exit(main())
