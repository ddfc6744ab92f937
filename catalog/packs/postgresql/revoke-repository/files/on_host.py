"""Prefix of every program that a playbook pipes to python3 on a managed host: run, write, probe, tell.

A pack must stand alone (it is pinned by its own digest), so spread.py copies this file into each pack.
A program gets `given` (a dict, secrets included, arriving on standard input: never argv, never a
file) and answers with one JSON document on standard output: {outputs, probes} or {class, message}.
"""
import fcntl
import json
import os
import pwd
import subprocess
import sys
import time

outputs = {}
probes = []


class Stop(Exception):
    """Ends the program with a failure class of the contracts and a sentence for a tired human."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def run(argv, user=None, feed=None, allowed=(0,), timeout=300):
    """Runs argv without a shell, as `user`; returns the process; stops on an unexpected exit."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
    who = {}
    if user:
        account = pwd.getpwnam(user)
        env["HOME"] = account.pw_dir
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        done = subprocess.run(argv, input=feed, env=env, cwd="/", text=True, timeout=timeout,
                              capture_output=True, check=False, **who)
    except subprocess.TimeoutExpired as late:
        raise Stop("deadline", f"{argv[0]} did not end within {timeout} s") from late
    if done.returncode not in allowed:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        kind = "exhausted" if "No space left on device" in said else "internal"
        raise Stop(kind, f"{' '.join(argv[:3])} ended with {done.returncode}: {said}")
    return done


def directory(path, owner, mode):
    """Makes a directory (and root-owned parents) with this owner and mode, whatever was there."""
    os.makedirs(path, exist_ok=True)
    account = pwd.getpwnam(owner)
    os.chown(path, account.pw_uid, account.pw_gid)
    os.chmod(path, mode)


def write(path, content, owner, mode):
    """Replaces a file in one step, so that no reader ever sees half of it or a wider mode."""
    account = pwd.getpwnam(owner)
    fresh = f"{path}.hyops-new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        out.write(content)
        os.fchown(out.fileno(), account.pw_uid, account.pw_gid)
        os.fchmod(out.fileno(), mode)
        out.flush()
        os.fsync(out.fileno())
    os.rename(fresh, path)


def probe(name, ok, expected, found):
    """Keeps one thing that was looked at. A false one fails the step, after all were looked at."""
    probes.append({"probe": name, "ok": bool(ok), "expected": str(expected), "found": str(found)})
    return bool(ok)


def until(what, seconds, look, pause=0.05):
    """Polls `look` until it returns something true; stops with class deadline when it never does."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Stop("deadline", f"waited {seconds} s for {what}")
        time.sleep(pause)


def tell(program):
    """Runs the program and prints its one answer. Exit 0 even on failure: report.py decides.

    One program at a time: where the runner's tool was killed, its program may still be at work here, and
    whoever looks or tries again waits for its end. The kernel lets the lock go with the process.
    """
    answer = {"outputs": outputs, "probes": probes}
    try:
        with open("/run/hyops.lock", "w", encoding="utf-8") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            program()
    except Stop as stop:
        answer.update({"class": stop.kind, "message": str(stop)})
    except Exception as error:  # a fault of ours must still end in the record, with its place
        at = error.__traceback__
        while at.tb_next:
            at = at.tb_next
        answer.update({"class": "internal", "message": f"{type(error).__name__}: {error} "
                       f"(line {at.tb_lineno} of the program)"})
    failed = [line for line in probes if not line["ok"]]
    if failed and "message" not in answer:  # a later play must not go on past what was not found
        first = failed[0]
        answer.update({"class": "conflict", "message": f"probe '{first['probe']}': expected "
                       f"{first['expected']}, found {first['found']}"})
    json.dump(answer, sys.stdout)
