#!/bin/sh
# Installs the Debian packages that hyops is built, tested and drilled with.
# Usage: ./setup.sh build|drill|cov   (each includes the one before). Needs root only when something is missing.
set -eu

build="g++ cmake make ninja-build ccache pkg-config git
  libboost-dev libboost-program-options-dev nlohmann-json3-dev libtomlplusplus-dev libexpected-dev
  libsodium-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev libvectorscan-dev libseccomp-dev
  libgtest-dev librapidcheck-dev libbenchmark-dev minisign strace sqlite3 ansible-core packer
  clang clang-tidy libclang-rt-14-dev libc++-dev libc++abi-dev
  iproute2 nftables util-linux procps openssh-client openssh-server"
drill="postgresql-15 postgresql-client-15 pgbackrest pdns-server pdns-backend-sqlite3
  bind9-dnsutils unbound iputils-ping python3 curl wireguard-go wireguard-tools
  strongswan-charon strongswan-swanctl libcharon-extra-plugins"
cov="gcovr"

case "${1:-drill}" in
  build) wanted="$build" ;;
  drill) wanted="$build $drill" ;;
  cov) wanted="$build $drill $cov" ;;
  *) echo "usage: ./setup.sh build|drill|cov" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "hyops builds on Debian 12; this system has no apt-get. Use a Debian 12 machine or container." >&2
  exit 1
fi

missing=""
for p in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "These packages are missing and only root can install them; type: sudo ./setup.sh ${1:-drill}" >&2
  echo "  $missing" >&2
  exit 1
fi

# Debian starts the daemons that it installs. The lab runs its own, inside its own namespaces, so none
# may start here: policy-rc.d is Debian's switch for that. An administrator's own file is left alone.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  made_policy=yes
fi
restore_policy() { if [ "$made_policy" = yes ]; then rm -f "$policy"; fi; }
trap restore_policy EXIT
trap 'exit 1' INT TERM

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
