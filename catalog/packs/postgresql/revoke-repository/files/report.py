"""Runs on the runner at the end of a playbook: turns what hosts told into outputs, probes or an error.

spread.py copies this file into each pack. Standard input: {"outputs", "probes", "told": [text...]},
the two paths of the contract and the answers of on_host.py in the order of the plays. With "observe"
true, an answer without outputs and without error means that the effect is not there. ansible-playbook
cannot exit 3 for that as other observers do: it ends well and leaves a file named .absent instead.
"""
import json
import os
import sys


def main():
    given = json.load(sys.stdin)
    outputs, lines, failure = {}, [], None
    for text in given["told"]:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {"class": "internal", "message": "a host gave no answer: " + text[-500:]}
        outputs.update(answer.get("outputs", {}))
        lines += [json.dumps(line, sort_keys=True) + "\n" for line in answer.get("probes", [])]
        if "message" in answer and failure is None:
            failure = {"class": answer["class"], "message": answer["message"]}
    with open(given["probes"], "a", encoding="utf-8") as out:
        out.writelines(lines)
        out.flush()
        os.fsync(out.fileno())
    path = given["outputs"]
    if failure:
        path, outputs = path + ".error", failure
        print(failure["class"] + ": " + failure["message"], file=sys.stderr)
    elif given.get("observe") and not outputs:
        path += ".absent"
    with open(path, "w", encoding="utf-8") as out:
        json.dump(outputs, out, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())
    sys.exit(1 if failure else 0)


main()
