# The repository's own word on the barrier: the database said shipped, this says received.
def main():
    host, drained = given["host"], given["drained"]
    if given["backup"] != "none" and "proof" not in drained:
        pin_database(host)
        take_backup(host, given["backup"])
    held = max([one["max"] for one in catalogue()["archive"] if one["max"]] or [""])
    probe("the repository holds the final segment", held >= drained["final_wal"],
          f"at least {drained['final_wal']}", held or "nothing")


tell(main)
