# Follows cluster.py in programs that end a WAL segment and wait until the archive has it.
# spread.py copies it into each pack that has the file.
def ship(mark):
    """Ends the segment that is written now; returns the last position in it, and its name. A message makes
    that worth while even when nobody wrote, and passes where clients may only read any more."""
    position = sql("SET default_transaction_read_only = off; "
                   f"SELECT pg_logical_emit_message(true, 'hyops', {literal(mark)});")
    return position, sql("SELECT pg_walfile_name(pg_switch_wal())")


def failing():
    """Whether the last thing that the archiver tried went wrong."""
    return sql("SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) "
               "FROM pg_stat_archiver") == "t"


def archived(segment, mark):
    """The last archived segment, once it is this one or a later one. PostgreSQL's archiver goes to sleep for
    a minute after three failures; the end of another segment wakes it, so a passing fault costs seconds."""
    woken = [time.monotonic()]

    def look():
        if time.monotonic() - woken[0] > 5 and failing():
            ship(mark)
            woken[0] = time.monotonic()
        return sql("SELECT last_archived_wal FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{24}$' "
                   f"AND last_archived_wal >= {literal(segment)}")

    try:
        return until(f"segment {segment} to be archived", ARCHIVE_LIMIT_S, look)
    except Stop as late:  # an archiver that tries and fails lacks its repository, which may come back
        raise Stop("unavailable" if failing() else late.kind, f"{late}: {why_not()}") from late


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
