# Makes this host a pgBackRest repository: an account that may run pgbackrest, and nothing more.
def account():
    try:
        pwd.getpwnam(USER)
    except KeyError:
        # An asterisk locks the password but not the account: sshd refuses keys of accounts with "!".
        run(["/usr/sbin/useradd", "--system", "--user-group", "--home-dir", STORE, "--shell", "/bin/sh",
             "--password", "*", USER])


def main():
    account()
    values = given["values"]
    path = given["path"]
    word = values["repository_cipher"].strip()
    if not word or "\n" in word:
        raise Stop("invalid", "repository_cipher must be one line that is not empty")
    for place, mode in ((STORE, 0o750), (f"{STORE}/.ssh", 0o700), (path, 0o750),
                        ("/var/log/pgbackrest", 0o770), ("/var/spool/pgbackrest", 0o770)):
        directory(place, USER, mode)
    os.makedirs("/etc/pgbackrest/conf.d", exist_ok=True)
    write("/etc/pgbackrest/pgbackrest.conf", "\n".join([
        "[global]", f"repo1-path={path}", f"repo1-retention-full={given['retention']}",
        # Thousands of small files travel and rest as a few bundles: most of a small backup's time.
        "repo1-bundle=y", "repo1-cipher-type=aes-256-cbc", f"repo1-cipher-pass={word}",
        "start-fast=y", "compress-type=lz4", "compress-level=1", "process-max=2", "archive-timeout=30",
        "log-level-console=warn", "log-level-file=info", ""]), USER, 0o600)
    write(f"{STORE}/.ssh/repository_key", values["repository_key"].strip() + "\n", USER, 0o600)
    public = run(["/usr/bin/ssh-keygen", "-y", "-P", "", "-f", f"{STORE}/.ssh/repository_key"]).stdout
    public = " ".join(public.split()[:2])
    forced = 'restrict,command="/usr/bin/pgbackrest ${SSH_ORIGINAL_COMMAND#* }"'
    write(f"{STORE}/.ssh/authorized_keys", f"{forced} {public}\n", USER, 0o600)
    write(f"{STORE}/.ssh/config", "\n".join([
        "# Written by hyops: databases are reached with the repository's key and a pinned host key.",
        "Host *", f"  IdentityFile {STORE}/.ssh/repository_key", "  IdentitiesOnly yes",
        "  BatchMode yes", "  StrictHostKeyChecking yes", "  ConnectTimeout 5",
        "  ControlMaster auto", f"  ControlPath {STORE}/.ssh/mux-%C", "  ControlPersist 20",
        "  ServerAliveInterval 2", "  ServerAliveCountMax 3", ""]), USER, 0o600)
    said = run(["/usr/bin/pgbackrest", "version"], user=USER).stdout.strip()
    probe("pgBackRest runs as its account", said.startswith("pgBackRest 2."), "pgBackRest 2.x", said)
    mode = f"{os.stat(path).st_mode & 0o7777:04o}"
    probe("repository is private", mode == "0750", "0750", mode)
    outputs.update({"public_key": public, "path": path})


tell(main)
