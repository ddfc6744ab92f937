"""What process packs need of a DNS authority: one query on the wire, one call of PowerDNS's HTTP API.

spread.py copies this file into each pack that uses it. Standard library only: nothing is fetched
when it is needed, which is when sites are down.
"""
import json
import os
import secrets
import socket
import struct
import sys
import urllib.error
import urllib.request


class Stop(Exception):
    """Ends the pack with a failure class of the contracts and a sentence for a tired human."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def record(variable, line):
    """Appends one JSON line to the file that the contract names with this variable, durably."""
    with open(os.environ[variable], "a", encoding="utf-8") as out:
        out.write(json.dumps(line, sort_keys=True) + "\n")
        out.flush()
        os.fsync(out.fileno())


def probe(name, ok, expected, found):
    record("HYOPS_PROBES", {"probe": name, "ok": bool(ok), "expected": str(expected), "found": str(found)})
    return bool(ok)


def finish(program):
    """Runs the program and writes the outputs it returns, or why there are none."""
    path = os.environ["HYOPS_OUTPUTS"]
    try:
        outputs = program()
    except Stop as stop:
        with open(path + ".error", "w", encoding="utf-8") as out:
            json.dump({"class": stop.kind, "message": str(stop)}, out)
        print(f"{stop.kind}: {stop}", file=sys.stderr)
        sys.exit(1)
    with open(path, "w", encoding="utf-8") as out:
        json.dump(outputs, out, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())


def inputs():
    with open(os.environ["HYOPS_REQUEST"], encoding="utf-8") as source:
        return json.load(source)["inputs"]


def skip_name(packet, at):
    """Index after the domain name at `at` (RFC 1035, 4.1.4)."""
    while True:
        length = packet[at]
        if length & 0xC0 == 0xC0:
            return at + 2
        at += 1 + length
        if length == 0:
            return at


def query(server, port, name, kind, recurse=False, timeout=2.0):
    """One question over UDP, no cache and no library resolver in between.

    Returns (authoritative, rcode, answers): A answers as dotted text, SOA as (serial, seconds that a
    resolver may go on saying that a name does not exist: RFC 2308, 5).
    """
    numbers = {"A": 1, "SOA": 6}
    mark = secrets.token_bytes(2)
    question = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.rstrip(".").split("."))
    asked = mark + struct.pack(">HHHHH", 0x0100 if recurse else 0, 1, 0, 0, 0) + question + b"\0" \
        + struct.pack(">HH", numbers[kind], 1)
    for attempt in (1, 2, 3):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(timeout)
            wire.connect((server, port))
            try:
                wire.send(asked)
                packet = wire.recv(4096)
                break
            except OSError as error:
                if attempt == 3:
                    raise Stop("unavailable", f"no DNS answer from {server}:{port}: {error}") from error
    if len(packet) < 12 or packet[:2] != mark or packet[12:len(asked)].lower() != asked[12:].lower():
        raise Stop("unavailable", f"{server}:{port} answered something else than was asked")
    flags, _, count = struct.unpack(">HHH", packet[2:8])
    answers, at = [], len(asked)
    for _ in range(count):
        at = skip_name(packet, at)
        found, _, ttl, length = struct.unpack(">HHIH", packet[at:at + 10])
        at += 10
        if found == numbers[kind] == 1:
            answers.append(socket.inet_ntoa(packet[at:at + 4]))
        elif found == numbers[kind] == 6:
            serial, minimum = struct.unpack(">I12xI", packet[at + length - 20:at + length])
            answers.append((serial, min(ttl, minimum)))
        at += length
    return bool(flags & 0x0400), flags & 0xF, sorted(answers)


def call(method, url, key, document=None, timeout=5.0):
    """One request of PowerDNS's API; the parsed answer, None for an empty one."""
    body = None if document is None else json.dumps(document).encode("utf-8")
    asked = urllib.request.Request(url, data=body, method=method, headers={
        "X-API-Key": key, "Content-Type": "application/json"})
    # No proxy: an environment must not decide where the key goes (L15).
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with plain.open(asked, timeout=timeout) as answer:
            text = answer.read()
    except urllib.error.HTTPError as refused:
        said = refused.read(300).decode("utf-8", "replace")
        kind = {401: "denied", 403: "denied", 404: "invalid", 409: "conflict", 422: "invalid"}
        raise Stop(kind.get(refused.code, "unavailable"),
                   f"{method} {url} answered {refused.code}: {said}") from refused
    except OSError as error:
        raise Stop("unavailable", f"{method} {url}: {error}") from error
    return json.loads(text) if text else None
