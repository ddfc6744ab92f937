# Read-only: is this a primary on a timeline of its own, and does the application's role have the synced
# password? Only both together are what promotion leaves; anything less is done again, which is safe.
import base64
import hashlib
import hmac


def password_holds():
    """Compares the synced password with the stored verifier as RFC 5802 does, without logging in."""
    stored = sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = {literal(given['role'])}")
    if not stored.startswith("SCRAM-SHA-256$"):
        return False
    rounds, salt = stored.split("$")[1].split(":")
    wanted = stored.split("$")[2].split(":")[0]
    salted = hashlib.pbkdf2_hmac("sha256", secret("app_password").strip().encode(), base64.b64decode(salt),
                                 int(rounds))
    key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(key, base64.b64decode(wanted))


def main():
    if not running():
        raise Stop("unavailable", "no cluster is running here; what promotion left cannot be told")
    if sql("SELECT pg_is_in_recovery()") == "t" or not password_holds():
        return
    facts = sql("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn(), "
                "(extract(epoch FROM clock_timestamp()) * 1000)::bigint").split("|")
    timeline = int(facts[0][:8], 16)
    probe("it writes a timeline of its own", timeline > 1, "above 1", timeline)
    outputs.update({"timeline": timeline, "lsn": facts[1], "promoted_at_ms": int(facts[2])})


tell(main)
