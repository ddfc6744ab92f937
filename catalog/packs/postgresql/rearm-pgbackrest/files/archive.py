# Proves from the database's side that a segment of the new timeline reaches the repository.
def why_not():
    """What the archiver itself says, for the record: its command's own words stand in the server's log."""
    said = sql("SELECT coalesce(last_archived_wal, 'nothing'), failed_count, coalesce(last_failed_wal, 'none') "
               "FROM pg_stat_archiver").split("|")
    words = ""
    path = f"/var/log/postgresql/postgresql-{VERSION}-main.log"
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = [line.strip() for line in log.readlines()[-400:] if "archive" in line or "ERROR: [" in line]
        words = "; ".join(lines[-4:])[-800:]
    return f"last archived {said[0]}, {said[1]} failures, last at {said[2]}. {words}"


def main():
    mode = sql("SELECT pg_is_in_recovery(), current_setting('archive_mode')")
    if not probe("a primary that archives", mode == "f|on", "f|on", mode):
        return
    # A message makes the segment worth switching even when nobody wrote since promotion.
    sql("SELECT pg_logical_emit_message(true, 'hyops', 'rearm')")
    segment = sql("SELECT pg_walfile_name(pg_switch_wal())")
    try:
        shipped = until(f"segment {segment} to be archived", ARCHIVE_LIMIT_S, lambda: sql(
            f"SELECT last_archived_wal FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{{24}}$' "
            f"AND last_archived_wal >= {literal(segment)}"))
    except Stop as late:
        raise Stop(late.kind, f"{late}: {why_not()}") from late
    probe("the new timeline is archived", True, f"at least {segment}", shipped)
    outputs.update({"timeline": int(segment[:8], 16)})


tell(main)
