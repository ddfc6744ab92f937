# Restores the newest backup and replays all that the archive holds, as a standby: promotion is another
# step. Interrupted and run again, it goes on where it can and starts over where it must.
import concurrent.futures

STATE = f"{HOME}/{VERSION}/restore.json"
SEGMENT = 1 << 24  # bytes of WAL in one file


def segment_end(wal):
    """LSN after the last byte of a segment named like 000000010000000000000005 (16 MiB segments)."""
    return ((int(wal[8:16], 16) << 32) | (int(wal[16:24], 16) << 24)) + SEGMENT


def catalogue():
    """What the repository says that it holds."""
    return run(["/usr/bin/pgbackrest", f"--stanza={given['stanza']}", "--output=json", "info"], user="postgres").stdout


def newest_archived(said):
    """The newest segment the repository holds, and the backup a restore would start from."""
    found = json.loads(said)
    if not found or not found[0]["backup"]:
        # pgBackRest exits 0 here even when it never reached the repository; its status tells which it was.
        status = found[0]["repo"][0]["status"]["message"] if found else "it is empty"
        raise Stop("unavailable", f"no backup of stanza {given['stanza']} in reach: {status[-600:]}")
    return max(one["max"] for one in found[0]["archive"] if one["max"]), found[0]["backup"][-1]["label"]


def restore():
    # A data directory without our mark is somebody's data, and is not ours to delete.
    more = []
    if os.path.isdir(PGDATA) and os.listdir(PGDATA):
        if not os.path.exists(STATE):
            raise Stop("conflict", f"{PGDATA} is not empty and not of this step; restore wants a fresh host")
        more = ["--delta"]
    else:
        directory(PGDATA, "postgres", 0o700)
    write(STATE, json.dumps({"restored": False}), "postgres", 0o600)
    try:
        run(["/usr/bin/pgbackrest", f"--stanza={given['stanza']}", "--type=standby", *more, "restore"],
            user="postgres", timeout=3000)
    except Stop as stop:
        # pgBackRest says that it could not write, not why.
        disk = os.statvfs(PGDATA)
        left = disk.f_bavail * disk.f_frsize
        if left < SEGMENT:
            raise Stop("exhausted", f"the disk of {PGDATA} is full ({left >> 10} KiB left): {stop}") from stop
        raise
    write(STATE, json.dumps({"restored": True}), "postgres", 0o600)


def restored():
    if not os.path.exists(STATE):
        return False
    with open(STATE, encoding="utf-8") as source:
        return json.load(source).get("restored", False)


def replayed(wanted):
    """Position once the archive is exhausted: the startup process waits to ask again, far enough on."""
    answer = sql("SELECT pg_last_wal_replay_lsn(), (SELECT wait_event FROM pg_stat_activity "
                 "WHERE backend_type = 'startup')", allowed=(0, 1, 2))
    position, _, waiting = answer.partition("|")
    if not position or waiting != "RecoveryRetrieveRetryInterval":
        return None
    # A record may reach over a segment's end; then the newest segment stays unfinished by less than one.
    return position if lsn(position) > wanted - SEGMENT else None


def main():
    lay_out()
    # Asked while the restore runs: what it needs of the answer comes after it. Where there is no backup, this
    # answer says why, and a restore says only that it failed.
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
        asked = beside.submit(catalogue)
        try:
            if not restored():
                restore()
        except Stop:
            newest_archived(asked.result())
            raise
        wal, label = newest_archived(asked.result())
    if not running():
        ctl("start")
    limit_s = given["replay_limit"] // 1000
    position = until(f"replay to {wal}", limit_s, lambda: replayed(segment_end(wal)))
    facts = sql("SELECT pg_is_in_recovery(), system_identifier, "
                "coalesce(pg_last_xact_replay_timestamp()::text, '') FROM pg_control_system()").split("|")
    probe("still in recovery", facts[0] == "t", "in recovery", "in recovery" if facts[0] == "t" else "not")
    probe("every archived segment is replayed", True, f"{label} up to {wal}", position)
    if given["until_lsn"]:
        reached = lsn(position) >= lsn(given["until_lsn"])
        probe("the barrier is reached", reached, f"at least {given['until_lsn']}", position)
    outputs.update({"recovered_lsn": position, "recovered_at": facts[2], "last_archived": wal,
                    "timeline": int(wal[:8], 16), "system_identifier": facts[1]})


tell(main)
