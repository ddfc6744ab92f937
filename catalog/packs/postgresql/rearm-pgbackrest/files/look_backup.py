# Read-only: does the repository hold a good backup that was begun on the timeline this primary writes? No
# timeline is written twice, and a backup ends only when its segments are archived: so that is all of re-arming.
def main():
    held = catalogue()
    kinds = ("full",) if given["backup"] == "full" else ("full", "diff", "incr")
    here = [at for at, one in enumerate(held["backup"])
            if one["archive"]["start"] and int(one["archive"]["start"][:8], 16) == given["timeline"]
            and one["type"] in kinds and not one.get("error")]
    if not here:
        return
    taken, before = held["backup"][here[-1]], held["backup"][max(0, here[0] - 1)]
    probe("the repository holds a backup of the new timeline", True, f"timeline {given['timeline']}", taken["label"])
    outputs.update({"timeline": given["timeline"], "backup": taken["label"],
                    "last_archived": max(one["max"] for one in held["archive"] if one["max"]),
                    "stanza_upgraded": taken["database"]["id"] != before["database"]["id"]})


tell(main)
