# Installs the secrets on the host, or with observe only compares. Never prints a value or its digest.
KEEP = "/etc/hyops/secrets"
CIPHER = "/etc/pgbackrest/conf.d/50-repository-cipher.conf"


def wanted():
    """input -> (path, content): what each secret becomes on this host."""
    values = given["values"]
    key = values["repository_key"].strip() + "\n"
    word = values["repository_cipher"].strip()
    if not word or "\n" in word:
        raise Stop("invalid", "repository_cipher must be one line that is not empty")
    if not values["app_password"].strip():
        raise Stop("invalid", "app_password is empty")
    return {"repository_key": (f"{KEEP}/repository_key", key),
            "app_password": (f"{KEEP}/app_password", values["app_password"].strip() + "\n"),
            "repository_cipher": (CIPHER, f"[global]\nrepo1-cipher-pass={word}\n")}


def look(path, content):
    """mode, owner and whether the file holds what was resolved; None when it is not there."""
    if not os.path.lexists(path):
        return None
    about = os.lstat(path)
    with open(path, encoding="utf-8") as source:
        same = source.read() == content
    return f"{about.st_mode & 0o7777:04o}", pwd.getpwuid(about.st_uid).pw_name, same


def main():
    owner = given["owner"]
    plan = wanted()
    if not given.get("observe"):
        # root's own parent directory: the account may read its secrets but not replace the directory
        directory("/etc/hyops", "root", 0o755)
        directory(KEEP, owner, 0o700)
        directory("/etc/pgbackrest", "root", 0o755)
        directory("/etc/pgbackrest/conf.d", owner, 0o700)
        for path, content in plan.values():
            write(path, content, owner, 0o600)
        # ssh-keygen reads the key as ssh will: a truncated or protected one is found here, not at 3 a.m.
        derived = run(["/usr/bin/ssh-keygen", "-y", "-P", "", "-f", plan["repository_key"][0]],
                      allowed=(0, 1, 255))
        probe("repository key is usable", derived.returncode == 0, "a private key without a passphrase",
              "usable" if derived.returncode == 0 else "ssh-keygen refuses it")
    installed = []
    for which, (path, content) in sorted(plan.items()):
        found = look(path, content)
        if given.get("observe") and found != ("0600", owner, True):
            return
        mode, holder, same = found
        probe(f"{which} reads back as resolved", same, "the authority's value", "equal" if same else "other")
        probe(f"{which} is private", (mode, holder) == ("0600", owner), f"0600 {owner}", f"{mode} {holder}")
        installed.append(f"{given[which]} {path} {mode} {holder}")
    outputs["installed"] = installed


tell(main)
