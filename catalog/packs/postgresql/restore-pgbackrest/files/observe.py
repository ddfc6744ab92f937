# Read-only: adopts a restore only when the cluster is up, in recovery and has replayed the archive.
# Otherwise it says "not there": the restore itself goes on where it was.
def main():
    if not running():
        return
    answer = sql("SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), system_identifier, "
                 "coalesce(pg_last_xact_replay_timestamp()::text, ''), (SELECT wait_event FROM "
                 "pg_stat_activity WHERE backend_type = 'startup') FROM pg_control_system()",
                 allowed=(0, 1, 2))
    facts = answer.split("|")
    if len(facts) != 5 or facts[0] != "t" or facts[4] != "RecoveryRetrieveRetryInterval":
        return
    said = run(["/usr/bin/pgbackrest", f"--stanza={given['stanza']}", "--output=json", "info"],
               user="postgres").stdout
    wal = max(one["max"] for one in json.loads(said)[0]["archive"] if one["max"])
    start = (int(wal[8:16], 16) << 32) | (int(wal[16:24], 16) << 24)
    if lsn(facts[1]) <= start or (given["until_lsn"] and lsn(facts[1]) < lsn(given["until_lsn"])):
        return
    probe("every archived segment is replayed", True, wal, facts[1])
    outputs.update({"recovered_lsn": facts[1], "recovered_at": facts[3], "last_archived": wal,
                    "timeline": int(wal[:8], 16), "system_identifier": facts[2]})


tell(main)
