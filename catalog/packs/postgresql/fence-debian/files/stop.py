# Stops the fenced cluster and locks its start twice: Debian's start.conf refuses pg_ctlcluster, and
# standby.signal keeps a server that somebody starts by hand in recovery, where it accepts no write.
def main():
    drained = given["drained"]
    if running():
        ctl("stop", "-m", "fast")
    write(f"{CONF}/start.conf", "disabled\n", "postgres", 0o644)
    write(f"{PGDATA}/standby.signal", "", "postgres", 0o600)
    tool = f"/usr/lib/postgresql/{VERSION}/bin/pg_controldata"
    control = dict(line.split(":", 1) for line in run([tool, PGDATA]).stdout.splitlines() if ":" in line)
    state = control["Database cluster state"].strip()
    probe("the cluster is stopped", not running() and state.startswith("shut down"), "shut down", state)
    refused = ctl("start", allowed=(0, 1, 2))
    probe("it refuses to start", refused.returncode != 0 and not running(), "start is disabled",
          refused.stderr.strip()[-120:] or "it started")
    facts = {key: drained[key] for key in ("final_lsn", "final_wal", "timeline", "highest_n", "rows")}
    seen = f"system {control['Database system identifier'].strip()} timeline {facts['timeline']} " \
           f"final_lsn {facts['final_lsn']} archived {facts['final_wal']} stopped start-disabled"
    host = given["hosts"][0]
    outputs.update({**facts, "proof": json.dumps({
        "kind": "primary-stopped", "subject": {"hosts": [{"name": host["name"], "address": host["address"]}]},
        "by": f"the cluster's own host {host['name']}", "evidence": seen}, sort_keys=True)})
    write(FENCE, json.dumps(outputs, sort_keys=True), "postgres", 0o600)


tell(main)
