# Creates the cluster and what the application needs in it. Running it again finds everything there.
def create_cluster():
    if os.path.exists(f"{PGDATA}/PG_VERSION"):
        return
    run([f"/usr/lib/postgresql/{VERSION}/bin/initdb", "-D", PGDATA, "--auth-local=peer",
         "--auth-host=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8"],
        user="postgres")


def create_application():
    role, database = given["role"], given["database"]
    if not sql(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(role)}"):
        sql(f"CREATE ROLE {name(role)} LOGIN")
    set_password()
    if not sql(f"SELECT 1 FROM pg_database WHERE datname = {literal(database)}"):
        sql(f"CREATE DATABASE {name(database)} OWNER {name(role)}")
    # The role owns what it uses; public gets nothing.
    sql(f"REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {name(role)}; "
        f"CREATE TABLE IF NOT EXISTS {table()} (n bigint PRIMARY KEY, "
        f"written_at timestamptz NOT NULL DEFAULT now()); ALTER TABLE {table()} OWNER TO {name(role)};",
        database)


def main():
    lay_out()
    create_cluster()
    if not running():
        ctl("start")
    create_application()
    facts = sql("SELECT pg_is_in_recovery(), system_identifier, timeline_id, pg_current_wal_lsn() "
                "FROM pg_control_system(), pg_control_checkpoint()").split("|")
    probe("it is a primary", facts[0] == "f", "not in recovery", "in recovery" if facts[0] == "t" else "not")
    mode = sql("SHOW archive_mode")
    probe("WAL is archived", mode == "on", "on", mode)
    sums = sql("SHOW data_checksums")
    probe("pages carry checksums", sums == "on", "on", sums)
    outputs.update({"system_identifier": facts[1], "timeline": int(facts[2]), "lsn": facts[3]})


tell(main)
