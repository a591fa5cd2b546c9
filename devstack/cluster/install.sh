#!/bin/sh
# Installs what `make cluster` runs, for its programs only: none of it is started, now or at boot. Needs root.
set -eu
umask 022

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
no_main=/etc/postgresql-common/createcluster.d/event-reservation.conf
made=

if [ ! -e "$policy" ]; then
    made=$policy
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
trap 'rm -f $made "$no_main"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

install() {
    apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
}

apt-get -q update || echo "apt-get update failed: going on with the existing package lists"
for package in patroni etcd-server haproxy pgbouncer; do
    dpkg-query -W "$package" >/dev/null 2>&1 || new="${new:-} $package"
done
if [ ! -e /usr/lib/postgresql ]; then
    install postgresql-common
    mkdir -p "${no_main%/*}"
    echo 'create_main_cluster = false' >"$no_main" # Debian would make a database of its own
    install postgresql
fi
install patroni python3-etcd etcd-server haproxy pgbouncer
for package in ${new:-}; do
    unit=${package%-server}
    update-rc.d "$unit" disable || true
    if command -v systemctl >/dev/null; then
        systemctl disable "$unit.service"
    fi
done
