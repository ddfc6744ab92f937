# Follows on_host.py in programs that run pgBackRest on the repository host, where Debian's 2.45 wants
# stanza and backup commands to run. spread.py copies it into each pack.
USER = "pgbackrest"
STORE = f"/var/lib/{USER}-home"


def pin_database(host):
    """Lets the repository ask this one database host, by the key captured when it was placed."""
    port = host["port"]
    named = host["address"] if port == 22 else f"[{host['address']}]:{port}"
    write(f"{STORE}/.ssh/known_hosts", f"{named} {host['host_key']}\n", USER, 0o600)


def backrest(verb, host, *more, allowed=(0,), timeout=600):
    argv = ["/usr/bin/pgbackrest", f"--stanza={given['stanza']}", f"--pg1-host={host['address']}",
            f"--pg1-host-port={host['port']}", "--pg1-host-user=postgres",
            f"--pg1-path=/var/lib/postgresql/{given['version']}/main",
            f"--pg1-port={given['port']}", "--pg1-socket-path=/run/postgresql", *more, verb]
    return run(argv, user=USER, allowed=allowed, timeout=timeout)


def catalogue():
    """What the repository says it holds for this stanza: pgbackrest info, one stanza."""
    said = run(["/usr/bin/pgbackrest", f"--stanza={given['stanza']}", "--output=json", "info"], user=USER)
    found = json.loads(said.stdout)
    return found[0] if found else {"backup": [], "archive": [], "status": {"code": 1, "message": "none"}}


def last_backup():
    """The newest backup, or None: {label, type, archive: {start, stop}, error}."""
    backups = catalogue()["backup"]
    return backups[-1] if backups else None


def take_backup(host, kind):
    """Takes one backup and proves from the repository itself that it is there and new."""
    before = last_backup()
    backrest("backup", host, f"--type={kind}")
    after = last_backup()
    probe("a new backup is in the repository", after and after != before,
          "newer than " + (before["label"] if before else "none"), after["label"] if after else "none")
    probe("the backup has no page errors", after and not after.get("error"), "false",
          after.get("error") if after else "none")
    return after
