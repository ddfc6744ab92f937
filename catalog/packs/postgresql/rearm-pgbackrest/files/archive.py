# Proves from the database's side that a segment of the new timeline reaches the repository.
def main():
    mode = sql("SELECT pg_is_in_recovery(), current_setting('archive_mode')")
    if not probe("a primary that archives", mode == "f|on", "f|on", mode):
        return
    _, segment = ship("rearm")
    probe("the new timeline is archived", True, f"at least {segment}", archived(segment, "rearm"))
    outputs.update({"timeline": int(segment[:8], 16)})


tell(main)
