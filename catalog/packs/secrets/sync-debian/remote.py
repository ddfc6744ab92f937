#!/usr/bin/python3
"""Runs a program on the hosts of one input, over one ssh session each, and turns what they tell into the step's
outputs, probes or error: what a playbook of one task does, without the start of a playbook.

    remote.py [--observe] [--values NAME,NAME] INPUT FILE...

The program is files/on_host.py and the FILEs below files/, in order. It arrives at python3's standard input with
`given`, the step's inputs: never in argv, never in a file. --values adds the secrets of these inputs to it, as
given["values"]. --observe: an answer without outputs means that the effect is not there. spread.py copies this
file into each pack that uses it. Python starts isolated (-IS) at both ends: faster, and nothing around it decides.
"""
import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
ABSENT, UNREACHABLE, LOST_SSH = 3, 4, 255


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--observe", action="store_true")
    parser.add_argument("--values", default="")
    parser.add_argument("input")
    parser.add_argument("files", nargs="+")
    return parser.parse_args()


def text_of(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def program(chosen, given):
    if chosen.values:
        folder = os.environ["HYOPS_SECRETS"]
        given["values"] = {name: text_of(f"{folder}/{name}") for name in chosen.values.split(",")}
    given["observe"] = chosen.observe
    parts = [text_of("files/on_host.py"), f"given = json.loads({json.dumps(given)!r})"]
    return "\n".join(parts + [text_of("files/" + file) for file in chosen.files]) + "\n"


def start(name):
    argv = ["/usr/bin/ssh", "-F", os.environ["HYOPS_SSH_CONFIG"], name, "/usr/bin/python3", "-IS", "-"]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer_of(name, session, text):
    """What one host told: its answer, and whether it was reached to the end."""
    told, said = session.communicate(text)
    said = said.strip()
    if said:
        print(f"{name}: {said}", file=sys.stderr)
    if session.returncode == LOST_SSH:
        return {"class": "unavailable", "message": f"{name} was not reached, or not to the end: {said[-500:]}"}, False
    try:
        return json.loads(told), True
    except ValueError:
        return {"class": "internal", "message": f"{name} gave no answer: {(said or told)[-500:]}"}, True


def keep(variable, suffix, text, mode):
    with open(os.environ[variable] + suffix, mode, encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def lines(documents):
    return "".join(json.dumps(one, sort_keys=True) + "\n" for one in documents)


def main():
    chosen = options()
    given = json.loads(text_of(os.environ["HYOPS_REQUEST"]))["inputs"]
    names = [one["name"] for one in given[chosen.input]]
    text = program(chosen, given)
    sessions = {name: start(name) for name in names}  # all log in at once; each is fed in its turn
    told = {name: answer_of(name, session, text) for name, session in sessions.items()}
    outputs, probes, results, failure = {}, [], [], None
    for name, (answer, reached) in told.items():
        outputs.update(answer.get("outputs", {}))
        probes += answer.get("probes", [])
        bad = "message" in answer
        failure = failure or (bad and {"class": answer["class"], "message": answer["message"]}) or None
        results.append({"host": name, "ok": int(not bad), "changed": int(not bad and not chosen.observe),
                        "failed": int(bad and reached), "unreachable": int(not reached)})
    keep("HYOPS_HOST_RESULTS", "", lines(results), "a")
    keep("HYOPS_PROBES", "", lines(probes), "a")
    if failure:
        keep("HYOPS_OUTPUTS", ".error", json.dumps(failure), "w")
        print(f"{failure['class']}: {failure['message']}", file=sys.stderr)
        return UNREACHABLE if not all(reached for _, reached in told.values()) else 1
    if chosen.observe and not outputs:
        return ABSENT
    keep("HYOPS_OUTPUTS", "", json.dumps(outputs, sort_keys=True), "w")
    return 0


sys.exit(main())
