# Read-only: has the cluster left recovery on a timeline of its own? A password that was not set yet
# cannot be seen from here, so only a primary that admits the application with it is adopted.
def main():
    if not running():
        raise Stop("unavailable", "no cluster is running here; what promotion left cannot be told")
    if sql("SELECT pg_is_in_recovery()") == "t":
        return
    argv = ["/usr/bin/psql", "-XAtq", "-w", "-h", "127.0.0.1", "-p", str(PORT), "-U", given["role"],
            "-d", "postgres", "-c", "SELECT 1"]
    refused = run(["/usr/bin/true"], user="postgres") and run(argv, user="postgres", allowed=(0, 1, 2))
    probe("the application's role must still prove its password", "password" in refused.stderr
          or "pg_hba" in refused.stderr, "a password is asked for", refused.stderr.strip()[-120:])
    facts = sql("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn(), "
                "(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint").split("|")
    timeline = int(facts[0][:8], 16)
    if timeline > 1:
        outputs.update({"timeline": timeline, "lsn": facts[1], "promoted_at_ms": int(facts[2])})


tell(main)
