# Looks at the promoted cluster from every side that matters before clients are sent to it.
def amcheck():
    tool = f"/usr/lib/postgresql/{VERSION}/bin/pg_amcheck"
    scope = ["--table", given["table"]] if given["depth"] == "table" else []
    done = run([tool, "-h", SOCKETS, "-p", str(PORT), "--install-missing", "--heapallindexed",
                "--on-error-stop", "--jobs=2", *scope, given["database"]], user="postgres",
               allowed=(0, 1, 2), timeout=900)
    said = (done.stdout + done.stderr).strip()
    probe(f"amcheck finds nothing wrong ({given['depth']})", done.returncode == 0 and not done.stdout.strip(),
          "no corruption", said[-300:] or "no corruption")


def main():
    facts = sql("SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), "
                "current_setting('data_checksums')").split("|")
    if not probe("it is not in recovery", facts[0] == "f", "f", facts[0]):
        return
    probe("it is writable", facts[1] == "off", "off", facts[1])
    probe("pages carry checksums", facts[2] == "on", "on", facts[2])
    # A transactional message goes through WAL and its flush like any commit, and leaves no row behind.
    written = sql("SELECT pg_logical_emit_message(true, 'hyops', 'verify')", given["database"])
    probe("a commit is durable", "/" in written, "an LSN", written)
    rows, highest, lowest = (int(x) for x in sql(
        f"SELECT count(*), coalesce(max(n), 0), coalesce(min(n), 1) FROM {table()}",
        given["database"]).split("|"))
    if given["expected_min_n"]:
        probe("the expected rows are there", highest >= given["expected_min_n"],
              f"highest n at least {given['expected_min_n']}", highest)
    if given["expected_rows"]:
        probe("no row was lost or added", rows == given["expected_rows"], given["expected_rows"], rows)
    if given["contiguous"]:
        probe("no row is missing", rows == highest and lowest == 1, f"{highest} rows from 1", f"{rows} rows")
    amcheck()
    broken = sql("SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database")
    probe("no page failed its checksum", broken == "0", 0, broken)
    wal, position = sql("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn()").split("|")
    outputs.update({"rows": rows, "highest_n": highest, "timeline": int(wal[:8], 16), "lsn": position})


tell(main)
