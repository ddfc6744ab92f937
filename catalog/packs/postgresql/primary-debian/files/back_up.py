# The repository learns of the cluster and takes its first full backup; one that is there is enough.
def main():
    host = given["host"]
    pin_database(host)
    backrest("stanza-create", host)
    held = last_backup()
    if held is None:
        held = take_backup(host, "full")
    probe("a full backup protects the primary", held, "a backup", held["label"] if held else "none")
    outputs["backup"] = held["label"] if held else ""


tell(main)
