# Makes this host the authority of one zone. Nothing is cached between a change and its answer: a
# read-back that a cache could satisfy would prove nothing (L13).
import shutil

CONF = "/etc/powerdns/pdns.conf"
DATABASE = "/var/lib/powerdns/pdns.sqlite3"
SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
UTIL = ["/usr/bin/pdnsutil", "--config-dir=/etc/powerdns"]


def hold_address():
    """The service's address may be a second one of this host; hosts without a boot process lose it on
    their end only, which is when they lose everything."""
    address = given["address"]
    links = json.loads(run(["/usr/sbin/ip", "-j", "address", "show"]).stdout)
    if any(one["local"] == address for link in links for one in link["addr_info"]):
        return
    routes = json.loads(run(["/usr/sbin/ip", "-j", "route", "show", "default"]).stdout)
    links = [link["ifname"] for link in links if link["ifname"] != "lo"]
    device = routes[0]["dev"] if routes else links[0]
    run(["/usr/sbin/ip", "address", "add", f"{address}/32", "dev", device])


def hashed(key):
    """pdns checks the key against a salted hash, so the host never keeps the key itself."""
    said = run([*UTIL, "hash-password"], feed=key + "\n").stdout.strip().splitlines()
    if not said or not said[-1].startswith("$scrypt$"):
        raise Stop("internal", "pdnsutil hash-password printed no hash")
    return said[-1]


def configure():
    key = given["values"]["api_key"].strip()
    if not key:
        raise Stop("invalid", "api_key is empty")
    directory("/etc/powerdns", "root", 0o755)
    directory("/var/lib/powerdns", "pdns", 0o750)
    directory("/run/pdns", "pdns", 0o755)
    lines = ["launch=gsqlite3", f"gsqlite3-database={DATABASE}", "gsqlite3-pragma-foreign-keys=yes",
             f"local-address={given['address']}", f"local-port={given['port']}", "setuid=pdns",
             "setgid=pdns", "socket-dir=/run/pdns", "daemon=yes", "guardian=no", "write-pid=yes",
             "version-string=anonymous", "security-poll-suffix=", "receiver-threads=1",
             "distributor-threads=1", "cache-ttl=0", "query-cache-ttl=0", "negquery-cache-ttl=0",
             "zone-cache-refresh-interval=0", f"default-ttl={given['ttl']}", "loglevel=4",
             "webserver=yes", f"webserver-address={given['address']}",
             f"webserver-port={given['api_port']}",
             "webserver-allow-from=" + ",".join(given["api_clients"]), "api=yes"]
    write(CONF, "\n".join(lines) + "\n", "root", 0o600)
    write(CONF, "\n".join([*lines, "api-key=" + hashed(key)]) + "\n", "root", 0o600)


def create_zone():
    zone = given["zone"]
    if not os.path.exists(DATABASE):
        import sqlite3
        fresh = DATABASE + ".hyops-new"
        if os.path.exists(fresh):
            os.unlink(fresh)
        with open(SCHEMA, encoding="utf-8") as source:
            store = sqlite3.connect(fresh)
            store.executescript(source.read())
            store.close()
        shutil.chown(fresh, "pdns", "pdns")
        os.chmod(fresh, 0o640)
        os.rename(fresh, DATABASE)
    if zone in run([*UTIL, "list-all-zones"]).stdout.split():
        return
    ttl = str(given["ttl"])
    run([*UTIL, "create-zone", zone, f"ns.{zone}"])
    run([*UTIL, "replace-rrset", zone, "@", "SOA", ttl, f"ns.{zone} hostmaster.{zone} 1 600 60 86400 {ttl}"])
    run([*UTIL, "replace-rrset", zone, "ns", "A", ttl, given["address"]])
    # Every change through the API moves the serial, so that secondaries and auditors can tell.
    run([*UTIL, "set-meta", zone, "SOA-EDIT-API", "INCREASE"])
    shutil.chown(DATABASE, "pdns", "pdns")


def ask(kind):
    said = run(["/usr/bin/dig", "+short", "+norecurse", "+tries=1", "+time=1", "-p", str(given["port"]),
                f"@{given['address']}", given["zone"], kind], allowed=(0, 9, 10))
    return said.stdout.strip() if said.returncode == 0 else ""


def main():
    hold_address()
    configure()
    create_zone()
    if not ask("SOA"):
        run(["/usr/sbin/pdns_server", "--config-dir=/etc/powerdns"])
    until("the authority to answer", 20, lambda: ask("SOA"))
    soa, servers = ask("SOA").split(), ask("NS")
    probe("the authority answers for the zone", servers == f"ns.{given['zone']}.", f"ns.{given['zone']}.",
          servers)
    api = f"http://{given['address']}:{given['api_port']}"
    outputs.update({"api": api, "serial": int(soa[2])})


tell(main)
