# Follows on_host.py in programs that lay out, start or ask a PostgreSQL cluster the Debian way.
# spread.py copies it into each pack. The hosts have no systemd: pg_ctlcluster starts the server itself.
VERSION = str(given.get("version", 15))
PORT = int(given.get("port", 5432))
HOME = "/var/lib/postgresql"
PGDATA = f"{HOME}/{VERSION}/main"
CONF = f"/etc/postgresql/{VERSION}/main"
SOCKETS = "/run/postgresql"
# Where secrets/sync puts what the authority resolved. Only the postgres account reads it.
SECRETS = "/etc/hyops/secrets"
FENCE = f"{HOME}/{VERSION}/fence.json"
ARCHIVE_LIMIT_S = 60


# Debian's /usr/bin/psql is a wrapper in Perl that costs more than most statements do.
PSQL = f"/usr/lib/postgresql/{VERSION}/bin/psql"


def ctl(*verb, allowed=(0,)):
    return run(["/usr/bin/pg_ctlcluster", "--skip-systemctl-redirect", VERSION, "main", *verb],
               allowed=allowed)


def running():
    """True when a postmaster of this data directory answers or is starting or recovering."""
    if not os.path.exists(f"{PGDATA}/PG_VERSION"):
        return False
    tool = f"/usr/lib/postgresql/{VERSION}/bin/pg_ctl"
    return run([tool, "status", "-D", PGDATA], user="postgres", allowed=(0, 3, 4)).returncode == 0


def sql(statement, database="postgres", allowed=(0,)):
    """One statement over the local socket as postgres; the statement travels on standard input."""
    argv = [PSQL, "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", SOCKETS, "-p", str(PORT),
            "-d", database, "-f", "-"]
    return run(argv, user="postgres", feed=statement, allowed=allowed).stdout.strip()


def literal(text):
    """A string constant for SQL. Standard-conforming strings are PostgreSQL's default."""
    return "'" + text.replace("'", "''") + "'"


def name(text):
    return '"' + text.replace('"', '""') + '"'


def lsn(text):
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def readable(position):
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def secret(which):
    path = f"{SECRETS}/{which}"
    if not os.path.exists(path):
        raise Stop("invalid", f"{path} is missing on this host; secrets/sync comes before this step")
    with open(path, encoding="utf-8") as source:
        return source.read()


def trust_repository(repository):
    """Lets the postgres account reach the repository host with the synced key and the pinned host key."""
    secret("repository_key")
    ssh = f"{HOME}/.ssh"
    directory(ssh, "postgres", 0o700)
    port = repository["port"]
    named = repository["address"] if port == 22 else f"[{repository['address']}]:{port}"
    write(f"{ssh}/known_hosts_repository", f"{named} {repository['host_key']}\n", "postgres", 0o600)
    write(f"{ssh}/config", "\n".join([
        "# Written by hyops: the one host that this account may reach, with a pinned key.",
        f"Host {repository['address']}", f"  Port {port}",
        f"  IdentityFile {SECRETS}/repository_key", "  IdentitiesOnly yes", "  BatchMode yes",
        "  StrictHostKeyChecking yes", f"  UserKnownHostsFile {ssh}/known_hosts_repository",
        "  ConnectTimeout 5",
        # pgBackRest asks once for each segment; one session for all of them makes replay three times faster.
        "  ControlMaster auto", f"  ControlPath {SOCKETS}/ssh-%C", "  ControlPersist 60",
        "  ServerAliveInterval 2", "  ServerAliveCountMax 3", ""]), "postgres", 0o600)
    # The repository host asks back with the same key pair, for backups, and may run nothing else. sshd
    # refuses keys of an account whose password is "!"; an asterisk still admits no password.
    with open("/etc/shadow", encoding="utf-8") as source:
        if any(line.startswith("postgres:!") for line in source):
            run(["/usr/sbin/usermod", "--password", "*", "postgres"])
    public = run(["/usr/bin/ssh-keygen", "-y", "-f", f"{SECRETS}/repository_key"]).stdout.strip()
    forced = 'restrict,command="/usr/bin/pgbackrest ${SSH_ORIGINAL_COMMAND#* }"'
    write(f"{ssh}/authorized_keys", f"{forced} {public}\n", "postgres", 0o600)


def lay_out():
    """Directories and configuration of server and pgBackRest; equal for a new and a restored cluster."""
    for path, mode in ((HOME, 0o755), (f"{HOME}/{VERSION}", 0o755), ("/etc/postgresql", 0o755),
                       (f"/etc/postgresql/{VERSION}", 0o755), (CONF, 0o755), (f"{CONF}/conf.d", 0o755),
                       ("/var/log/postgresql", 0o750), ("/var/log/pgbackrest", 0o750),
                       ("/var/spool/pgbackrest", 0o750), (SOCKETS, 0o2775)):
        directory(path, "postgres", mode)
    repository, stanza = given["repository"], given["stanza"]
    trust_repository(repository)
    os.makedirs("/etc/pgbackrest/conf.d", exist_ok=True)
    write("/etc/pgbackrest/pgbackrest.conf", "\n".join([
        "[global]", f"repo1-host={repository['address']}", f"repo1-host-port={repository['port']}",
        "repo1-host-user=pgbackrest", f"repo1-path={given['repository_path']}",
        # The pass phrase is not here: an include of secrets/sync carries it.
        "repo1-cipher-type=aes-256-cbc", "compress-type=lz4", "compress-level=1", "process-max=2",
        "log-level-console=warn", "log-level-file=info", "delta=n", "archive-timeout=30",
        f"\n[{stanza}]", f"pg1-path={PGDATA}", f"pg1-port={PORT}", f"pg1-socket-path={SOCKETS}",
        ""]), "postgres", 0o640)
    write(f"{CONF}/start.conf", "manual\n", "postgres", 0o644)
    write(f"{CONF}/pg_ctl.conf", "pg_ctl_options = ''\n", "postgres", 0o644)
    write(f"{CONF}/environment", "", "postgres", 0o644)
    write(f"{CONF}/pg_ident.conf", "", "postgres", 0o640)
    admit_clients()
    timeout_s = max(1, given["archive_timeout"] // 1000)
    write(f"{CONF}/postgresql.conf", "\n".join([
        f"data_directory = '{PGDATA}'", f"hba_file = '{CONF}/pg_hba.conf'",
        f"ident_file = '{CONF}/pg_ident.conf'",
        f"external_pid_file = '{SOCKETS}/{VERSION}-main.pid'",
        # pg_hba.conf decides who enters; the host has private addresses only (A7).
        "listen_addresses = '*'", f"port = {PORT}", f"unix_socket_directories = '{SOCKETS}'",
        "password_encryption = 'scram-sha-256'", "max_connections = 100", "shared_buffers = '64MB'",
        "wal_level = replica", "hot_standby = on", "full_page_writes = on", "fsync = on",
        "synchronous_commit = on", "archive_mode = on",
        # Or a server that starts after a restore or a crash syncs each of a thousand files by itself.
        "recovery_init_sync_method = 'syncfs'",
        f"archive_command = 'pgbackrest --stanza={stanza} archive-push %p'",
        # The bound on what a lost site can cost: a started segment is shipped after this long.
        f"archive_timeout = {timeout_s}", "timezone = 'UTC'", "log_timezone = 'UTC'",
        "log_line_prefix = '%m [%p] %q%u@%d '", "cluster_name = '" + VERSION + "/main'",
        f"include_dir = '{CONF}/conf.d'", ""]), "postgres", 0o644)


def admit_clients():
    """Local administration as postgres; the application's role from the declared networks; nobody else."""
    role, database = name(given["role"]), name(given["database"])
    admitted = [f"host {database} {role} {network} scram-sha-256" for network in given["clients"]]
    write(f"{CONF}/pg_hba.conf", "\n".join(
        ["local all postgres peer", f"host {database} {role} 127.0.0.1/32 scram-sha-256"]
        + admitted + [""]), "postgres", 0o640)


def shut_out_clients():
    """Fence: nobody but the local administrator enters any more."""
    write(f"{CONF}/pg_hba.conf", "# fenced\nlocal all postgres peer\nhost all all all reject\n",
          "postgres", 0o640)


def set_password():
    """Gives the application's role the password that this lane's authority resolved (E6)."""
    word = literal(secret("app_password").strip())
    # log_statement is off by default, but a failing statement would be logged with its text.
    sql(f"SET log_min_error_statement = panic; SET log_min_messages = panic; "
        f"ALTER ROLE {name(given['role'])} LOGIN PASSWORD {word};")


def table():
    schema, _, relation = given["table"].rpartition(".")
    return f"{name(schema or 'public')}.{name(relation)}"
