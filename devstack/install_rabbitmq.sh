#!/bin/sh
# Installs the distribution's rabbitmq-server for its programs only. Needs root.
# The package would start a system-wide broker now and at every boot. Neither is wanted here.
set -eu
umask 022 # whatever the caller's umask, the installed files are for everyone

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d

if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy" # how Debian is told not to start services
    chmod 755 "$policy"
fi

had_erlang=$(command -v epmd || true)

apt-get -q update || echo "apt-get update failed: going on with the existing package lists"
apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends rabbitmq-server

update-rc.d rabbitmq-server disable
if command -v systemctl >/dev/null; then
    systemctl disable rabbitmq-server.service
    [ -n "$had_erlang" ] || systemctl disable epmd.service epmd.socket
fi
