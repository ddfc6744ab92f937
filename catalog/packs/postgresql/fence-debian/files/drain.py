# Shuts clients out, then ships all they were told is safe. Nothing can be acknowledged after the LSN
# that this prints, and nothing below it is missing in the archive.
def recorded():
    if os.path.exists(FENCE):
        with open(FENCE, encoding="utf-8") as source:
            return json.load(source)
    return None


def main():
    if not running():
        done = recorded()
        if done is None:
            raise Stop("conflict", "the cluster is down and no fence is recorded here: what it last "
                       "acknowledged cannot be shown. Start it, or decide for a failover instead")
        outputs.update(done)
        probe("the barrier was passed before", True, "a recorded fence", done["final_lsn"])
        return
    shut_out_clients()
    sql("ALTER SYSTEM SET default_transaction_read_only = on")
    sql("SELECT pg_reload_conf()")
    # The postmaster applies pg_hba.conf between two accepts; kill what entered until nobody is left.
    until("the last client to be gone", 20, lambda: sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = "
        "'client backend' AND pid <> pg_backend_pid()") == "0")
    closed = run([PSQL, "-XAtqw", "-h", "127.0.0.1", "-p", str(PORT), "-U", given["role"], "-d",
                  given["database"], "-c", "SELECT 1"], user="postgres", allowed=(0, 1, 2))
    probe("clients are shut out", "pg_hba.conf rejects" in closed.stderr, "pg_hba.conf rejects",
          closed.stderr.strip()[-160:])
    left = sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
               "AND pid <> pg_backend_pid()")
    probe("no client is left", left == "0", 0, left)
    rows, highest = (int(x) for x in sql(f"SELECT count(*), coalesce(max(n), 0) FROM {table()}",
                                         given["database"]).split("|"))
    # Only internal transactions write from here on.
    final, segment = ship("fence")
    probe("the final segment is archived", True, f"at least {segment}", archived(segment, "fence"))
    outputs.update({"final_lsn": final, "final_wal": segment, "timeline": int(segment[:8], 16),
                    "highest_n": highest, "rows": rows})


tell(main)
