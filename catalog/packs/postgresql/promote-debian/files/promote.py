# Ends recovery. A cluster that has left it already is adopted, so a retry does no second promotion.
def main():
    if not given["fence_proof"].strip():
        raise Stop("denied", "no proof that the former primary is fenced; promotion would risk two of them")
    if sql("SELECT pg_is_in_recovery()") == "t":
        ended = sql("SELECT pg_promote(true, 60)")
        probe("promotion ended in time", ended == "t", "t", ended)
    set_password()
    # The control file shows the new timeline only after the first checkpoint; WAL's name shows it now.
    facts = sql("SELECT pg_is_in_recovery(), pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn(), "
                "(extract(epoch FROM clock_timestamp()) * 1000)::bigint").split("|")
    probe("it is a primary", facts[0] == "f", "not in recovery", "in recovery" if facts[0] == "t" else "not")
    timeline = int(facts[1][:8], 16)
    probe("it writes a timeline of its own", timeline > 1, "above 1", timeline)
    outputs.update({"timeline": timeline, "lsn": facts[2], "promoted_at_ms": int(facts[3])})


tell(main)
