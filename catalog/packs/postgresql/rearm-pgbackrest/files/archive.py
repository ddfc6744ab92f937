# Proves from the database's side that a segment of the new timeline reaches the repository.
def main():
    mode = sql("SELECT pg_is_in_recovery(), current_setting('archive_mode')")
    if not probe("a primary that archives", mode == "f|on", "f|on", mode):
        return
    # A message makes the segment worth switching even when nobody wrote since promotion.
    sql("SELECT pg_logical_emit_message(true, 'hyops', 'rearm')")
    segment = sql("SELECT pg_walfile_name(pg_switch_wal())")
    shipped = until(f"segment {segment} to be archived", ARCHIVE_LIMIT_S, lambda: sql(
        f"SELECT last_archived_wal FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{{24}}$' "
        f"AND last_archived_wal >= {literal(segment)}"))
    probe("the new timeline is archived", True, f"at least {segment}", shipped)
    outputs.update({"timeline": int(segment[:8], 16)})


tell(main)
