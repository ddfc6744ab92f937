# Repoints the repository at the new primary and takes a backup that a next recovery can start from.
def main():
    host = given["host"]
    pin_database(host)
    # check ends with 28 (file invalid) or 51 (mismatch) when the stanza belongs to another cluster.
    tried = backrest("check", host, allowed=(0, 28, 51, 55))
    upgraded = tried.returncode != 0
    if upgraded:
        backrest("stanza-upgrade", host)
        backrest("check", host)
    probe("the repository reaches and matches the new primary", True, "check passes",
          "after stanza-upgrade" if upgraded else "passes")
    taken = take_backup(host, given["backup"])
    held = [one["max"] for one in catalogue()["archive"] if one["max"]]
    outputs.update({"backup": taken["label"] if taken else "", "last_archived": max(held),
                    "stanza_upgraded": upgraded})


tell(main)
