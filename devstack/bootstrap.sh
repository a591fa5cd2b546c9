#!/bin/sh
# Makes .venv with exactly what requirements-dev.lock names. Does nothing if that is already done.
# With CHECK_PORTS=1 it also does nothing if a port that `make start` needs is taken.
# PYTHON=/path/to/python chooses the interpreter; the default is the first one that is new enough.
set -eu

cd "$(dirname "$0")/.."
lock=requirements-dev.lock
done_mark=.venv/.installed # a copy of the lock file that was installed

die() {
    echo "bootstrap: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || die "PYTHON=$PYTHON does not run, or is older than 3.11"
        python=$PYTHON
        return
    fi
    for python in python3 python3.13 python3.12 python3.11; do
        is_new_enough "$python" && return
    done
    python=
}

# Installs Debian packages if this user may; otherwise says what to type.
apt_install() {
    if [ "$(id -u)" = 0 ]; then
        become_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        become_root="sudo -n"
    else
        die "$* missing: type \`sudo apt-get install $*\`, then start again"
    fi
    command -v apt-get >/dev/null || die "$* missing: install with your package manager"
    echo "bootstrap: installing $* with apt-get"
    apt="$become_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120"
    if ! output=$({ $apt update || true; $apt install --no-install-recommends "$@"; } 2>&1); then
        echo "$output" | tail -n 15 >&2
        die "apt-get failed: type \`sudo apt-get install $*\`, then start again"
    fi
}

# Two `make start` at the same time must not write to the same folder.
exec 9<"devstack/bootstrap.sh"
flock 9

if cmp -s "$lock" "$done_mark" && .venv/bin/python -c "import pip" 2>/dev/null; then
    touch "$done_mark" # for make, which compares times
    exit 0
fi
rm -f "$done_mark"

if ! .venv/bin/python -c "import sys, pip; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then
    find_python
    if [ -z "$python" ]; then
        apt_install python3 python3-venv
        find_python
        [ -n "$python" ] || die "Python 3.11 or newer is missing: install it, or set PYTHON to one"
    fi
    # Check now, not after the minutes that installing may take.
    if [ -n "${CHECK_PORTS:-}" ]; then
        "$python" -m devstack.early_check || exit 1
    fi
    if ! "$python" -c "import ensurepip" 2>/dev/null; then
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    echo "bootstrap: making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "bootstrap: installing $lock into .venv"
.venv/bin/python -m pip --quiet --quiet --disable-pip-version-check install --require-hashes -r "$lock"
cp "$lock" "$done_mark"
