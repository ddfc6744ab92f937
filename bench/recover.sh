#!/bin/sh
# The drill's failover as an engineer writes it by hand, for this site alone: what hyops is held against. The same
# steps with the same tools, straight after each other over one ssh session, and nothing in between: no plan, no
# approval, no ledger, no record, no way on where it is interrupted. `bench/run build/release drill` runs it on the
# cloud runner. $1: a folder on a tmpfs with the secrets and keys that drill.cpp lays out there.
set -eu
s=$1
edge=http://10.77.2.1:7077 cloud=http://10.77.3.1:7077 pdns=http://10.77.2.53:8081/api/v1/servers/localhost/zones/hyops.test.
repository=$(cat "$s/repository-address")
stop() { echo "recover: $*" >&2; exit 1; }
api() { method=$1 url=$2 as=$3; shift 3; curl -sSf -m 10 -X "$method" -H @"$s/$as" "$@" "$url"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# Fence the lost site; proven by the router's own word.
fenced() { api GET "$edge/v1/isolation/onprem" edge-token | grep -q '"isolated":true' || stop "onprem is not fenced"; }
api PUT "$edge/v1/isolation/onprem" edge-token -d '{"reason":"recovered by hand"}' >/dev/null
fenced

# Where the name points now: what the cutover expects to find.
old=$(dig +short +norecurse @10.77.2.53 db.hyops.test A)
[ -n "$old" ] || stop "db.hyops.test has no address"

# Egress, host.
api PUT "$cloud/v1/egress/db-cloud" cloud-token \
  -d '{"sources":["10.77.3.0/24"],"allow":[{"cidr":"198.51.100.10/32","port":80}]}' >/dev/null
placed=$(api POST "$cloud/v1/hosts" cloud-token -H "Idempotency-Key: by-hand" \
  -d "{\"name\":\"db-cloud\",\"image\":\"debian\",\"authorized_keys\":[\"$(cat "$s/runner.pub")\"]}")
operation=$(echo "$placed" | field id)
until api GET "$cloud/v1/operations/$operation" cloud-token >"$s/placed" && grep -q '"state":"done"' "$s/placed"; do
  grep -q '"state":"failed"' "$s/placed" && stop "the host could not be placed: $(cat "$s/placed")"
  sleep 0.05
done
host=$(field address <"$s/placed")
echo "$host $(field host_key <"$s/placed")" >"$s/known_hosts"
cat "$s/repository-host-key" >>"$s/known_hosts"

# Access: a pinned host key, one session for everything.
on() {
  where=$1; shift
  ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$s/known_hosts" -o IdentitiesOnly=yes \
    -i "$s/runner.key" -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$s/mux-%h" "root@$where" "$@"
}
tries=0
until on "$host" true 2>"$s/ssh-said"; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || stop "no access to $host: $(cat "$s/ssh-said")"
  sleep 0.1
done

# Secrets: over standard input, into files that only postgres reads.
tar -C "$s/to-host" -c . | on "$host" 'set -e; umask 077; mkdir -p /etc/hyops/secrets /etc/pgbackrest/conf.d
  chmod 0755 /etc/hyops; tar -C /etc/hyops/secrets -x; chown -R postgres: /etc/hyops/secrets
  mv /etc/hyops/secrets/repository-cipher.conf /etc/pgbackrest/conf.d/; chown -R postgres: /etc/pgbackrest/conf.d
  ssh-keygen -y -P "" -f /etc/hyops/secrets/repository-key >/dev/null'

# Restore and replay as a standby.
on "$host" sh -s "$repository" <<'REMOTE'
set -eu
cd /
repository=$1 conf=/etc/postgresql/15/main data=/var/lib/postgresql/15/main ssh=/var/lib/postgresql/.ssh
for d in /var/lib/postgresql /var/lib/postgresql/15 $data $ssh /etc/postgresql/15 $conf $conf/conf.d \
  /var/log/postgresql /var/log/pgbackrest /var/spool/pgbackrest /run/postgresql; do
  install -d -o postgres -g postgres -m 0700 "$d"
done
chmod 0755 /etc/postgresql /etc/postgresql/15 /var/lib/postgresql /var/lib/postgresql/15 /run/postgresql
cp /etc/hyops/secrets/repository-known-host $ssh/known_hosts
cat >$ssh/config <<END
Host $repository
  IdentityFile /etc/hyops/secrets/repository-key
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking yes
  ControlMaster auto
  ControlPath /run/postgresql/ssh-%C
  ControlPersist 60
END
echo "restrict,command=\"/usr/bin/pgbackrest \${SSH_ORIGINAL_COMMAND#* }\" $(ssh-keygen -y -f /etc/hyops/secrets/repository-key)" \
  >$ssh/authorized_keys
chown -R postgres: $ssh
chmod 0600 $ssh/*
usermod --password '*' postgres
cat >/etc/pgbackrest/pgbackrest.conf <<END
[global]
repo1-host=$repository
repo1-host-user=pgbackrest
repo1-path=/var/lib/pgbackrest
repo1-cipher-type=aes-256-cbc
compress-type=lz4
compress-level=1
process-max=2
log-level-console=warn
archive-timeout=30
[main]
pg1-path=$data
pg1-socket-path=/run/postgresql
END
chmod 0644 /etc/pgbackrest/pgbackrest.conf
chmod 0755 /etc/pgbackrest
cat >$conf/postgresql.conf <<END
data_directory = '$data'
hba_file = '$conf/pg_hba.conf'
ident_file = '$conf/pg_ident.conf'
external_pid_file = '/run/postgresql/15-main.pid'
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
shared_buffers = '64MB'
wal_level = replica
hot_standby = on
archive_mode = on
archive_command = 'pgbackrest --stanza=main archive-push %p'
archive_timeout = 5
END
echo manual >$conf/start.conf
: >$conf/pg_ident.conf
printf 'local all postgres peer\nhost app app 10.77.0.0/16 scram-sha-256\n' >$conf/pg_hba.conf
chown -R postgres: $conf
as() { runuser -u postgres -- "$@"; }
as pgbackrest --stanza=main --output=json info | grep -q '"backup":\[{' || { echo "no backup to restore" >&2; exit 1; }
as pgbackrest --stanza=main --type=standby restore
pg_ctlcluster --skip-systemctl-redirect 15 main start
tries=0
until [ "$(as /usr/lib/postgresql/15/bin/psql -XAtqh /run/postgresql -c "SELECT wait_event FROM pg_stat_activity
  WHERE backend_type = 'startup'" 2>/dev/null)" = RecoveryRetrieveRetryInterval ]; do
  tries=$((tries + 1))
  [ $tries -lt 1200 ] || { echo "the archive was not replayed within two minutes" >&2; exit 1; }
  sleep 0.05
done
REMOTE

# Promote, give the application its password, look at what came back.
fenced
on "$host" sh -s <<'REMOTE'
set -eu
cd /
bin=/usr/lib/postgresql/15/bin
sql() { runuser -u postgres -- $bin/psql -XAtqh /run/postgresql -v ON_ERROR_STOP=1 -f - "$@"; }
[ "$(echo 'SELECT pg_promote(true, 60)' | sql)" = t ]
printf "ALTER ROLE app PASSWORD '%s';" "$(cat /etc/hyops/secrets/app-password)" | sql
[ "$(echo "SELECT pg_is_in_recovery(), current_setting('data_checksums')" | sql)" = 'f|on' ]
echo "SELECT pg_logical_emit_message(true, 'by hand', 'verify')" | sql -d app >/dev/null
[ "$(echo 'SELECT count(*) > 0 FROM entries' | sql -d app)" = t ]
runuser -u postgres -- $bin/pg_amcheck -h /run/postgresql --install-missing --heapallindexed --on-error-stop --jobs=2 app
[ "$(echo 'SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database' | sql)" = 0 ]
REMOTE

# Move the name and read it back.
fenced
[ "$(dig +short +norecurse @10.77.2.53 db.hyops.test A)" = "$old" ] || stop "somebody else moved the name"
api PATCH "$pdns" dns-key -H 'Content-Type: application/json' -d "{\"rrsets\":[{\"name\":\"db.hyops.test.\",\"type\":\"A\",
  \"changetype\":\"REPLACE\",\"ttl\":5,\"records\":[{\"content\":\"$host\",\"disabled\":false}]}]}"
[ "$(dig +short +norecurse @10.77.2.53 db.hyops.test A)" = "$host" ] || stop "the authority does not answer $host"

# Arm it again.
on "$host" sh -s <<'REMOTE'
set -eu
cd /
sql() { runuser -u postgres -- /usr/lib/postgresql/15/bin/psql -XAtqh /run/postgresql -v ON_ERROR_STOP=1 -f -; }
echo CHECKPOINT | sql  # until the first one, the control file names the timeline of before
segment=$(echo 'SELECT pg_walfile_name(pg_switch_wal())' | sql)
tries=0
until [ "$(echo "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver WHERE last_archived_wal !~ 'history'" | sql)" = t ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || { echo "$segment was not archived within a minute" >&2; exit 1; }
  sleep 0.1
done
REMOTE
on "$repository" sh -s "$host" "$(sed -n "s/^$host //p" "$s/known_hosts")" <<'REMOTE'
set -eu
cd /
echo "$*" >/var/lib/pgbackrest-home/.ssh/known_hosts
for verb in check "--type=full backup"; do
  # shellcheck disable=SC2086  # an option and a verb
  runuser -u pgbackrest -- pgbackrest --stanza=main --pg1-host="$1" --pg1-host-user=postgres \
    --pg1-path=/var/lib/postgresql/15/main --pg1-socket-path=/run/postgresql $verb
done
REMOTE
echo "recovered: db.hyops.test is at $host"
