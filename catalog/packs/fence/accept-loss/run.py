#!/usr/bin/python3
"""Hands a signed acceptance of loss to the run as the claim of a fence; what signs it is checked there."""
import json
import os
import sys


def main():
    with open(os.environ["HYOPS_REQUEST"], encoding="utf-8") as source:
        given = json.load(source)["inputs"]
    try:
        accepted = given["acceptance"]
        about = json.loads(accepted["document"])
        claim = {"kind": "loss-accepted", "subject": {"zone": given["zone"]}, "by": about["approver"],
                 "evidence": json.dumps(accepted, sort_keys=True)}
    except (ValueError, KeyError, TypeError):
        with open(os.environ["HYOPS_OUTPUTS"] + ".error", "w", encoding="utf-8") as out:
            json.dump({"class": "denied", "message": "no signed acceptance of loss was handed over: hyops fence "
                       "accept, then hyops plan --input STEP.acceptance=FILE's text"}, out)
        sys.exit(1)
    with open(os.environ["HYOPS_OUTPUTS"], "w", encoding="utf-8") as out:
        json.dump({"proof": json.dumps(claim, sort_keys=True)}, out)
        out.flush()
        os.fsync(out.fileno())


main()
