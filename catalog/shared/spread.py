#!/usr/bin/env python3
"""Copies the shared fragments into each pack that names them, because a pack must stand alone.

    catalog/shared/spread.py            writes the copies
    catalog/shared/spread.py --check    exits 1 and names the copies that differ
"""
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKS = HERE.parent / "packs"
# fragment -> where it lives in a pack; a pack takes it by having the file (an empty one will do)
PLACES = {"on_host.py": "files/on_host.py", "report.py": "files/report.py",
          "cluster.py": "files/cluster.py", "archiving.py": "files/archiving.py",
          "repository.py": "files/repository.py", "authority.py": "authority.py", "rrset.py": "rrset.py",
          "remote.py": "remote.py"}


def main():
    differing = []
    for fragment, place in PLACES.items():
        for copy in sorted(PACKS.glob("*/*/" + place)):
            if copy.read_bytes() != (HERE / fragment).read_bytes():
                differing.append(copy)
                if "--check" not in sys.argv:
                    shutil.copyfile(HERE / fragment, copy)
    for copy in differing:
        print(("differs: " if "--check" in sys.argv else "wrote ") + str(copy.relative_to(PACKS)))
    sys.exit(1 if differing and "--check" in sys.argv else 0)


main()
