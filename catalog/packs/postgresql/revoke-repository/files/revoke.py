# Writes the refusals into the account's keys and ends the sessions that the former primary still has.
def sessions(address):
    """Processes of the account that serve a connection from this address, by their own environment."""
    found = []
    account = pwd.getpwnam(USER).pw_uid
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid != account:
                continue
            with open(f"/proc/{pid}/environ", "rb") as source:
                words = source.read().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(b"SSH_CONNECTION=" + address.encode() + b" ") for word in words):
            found.append(int(pid))
    return found


def main():
    addresses = {host["address"] for host in former()}
    kept = []
    for line in lines():
        now = set(refused(line))
        kept.append(admit_but(line, now | addresses if given["revoked"] else now - addresses))
    write(KEYS, "\n".join(kept) + "\n", USER, 0o600)
    if not given["revoked"]:
        probe("the access is given back", not any(addresses & set(refused(line)) for line in lines()),
              "no key refuses", "a key refuses")
        outputs.update({"proof": ""})
        return
    for address in addresses:
        for pid in sessions(address):
            os.kill(pid, 15)
        until(f"the last session from {address} to be gone", 10, lambda: not sessions(address))
    probe("every key refuses the former primary", lines() and all(addresses <= set(refused(line)) for line in lines()),
          " ".join(sorted(addresses)), " ".join(sorted({one for line in lines() for one in refused(line)})) or "nothing")
    outputs.update({"proof": claim()})


tell(main)
