# Follows repository.py: who the repository account's keys admit, by address (sshd(8), from="...").
import re

KEYS = f"{STORE}/.ssh/authorized_keys"
FROM = re.compile(r'^from="((?:![0-9a-fA-F.:]+,)*)\*",')


def lines():
    with open(KEYS, encoding="utf-8") as source:
        return [line for line in source.read().splitlines() if line.strip() and not line.startswith("#")]


def refused(line):
    """The addresses that this key is refused from."""
    found = FROM.match(line)
    return [one.lstrip("!") for one in found.group(1).split(",") if one] if found else []


def admit_but(line, addresses):
    """The same line, for every address but these. A negated pattern wins over the one that matches all."""
    rest = FROM.sub("", line)
    return "from=\"" + "".join(f"!{one}," for one in sorted(addresses)) + f"*\",{rest}" if addresses else rest


def former():
    return [{"name": host["name"], "address": host["address"]} for host in given["former"]]


def claim():
    return json.dumps({"kind": "repository-revoked", "subject": {"hosts": former()},
                       "by": f"sshd of the repository at {given['at']}",
                       "evidence": f"{len(lines())} keys of {USER} refuse "
                       + ", ".join(host["address"] for host in former())}, sort_keys=True)
