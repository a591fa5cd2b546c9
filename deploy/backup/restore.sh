#!/bin/sh
# Make DATA, a server's data folder, as the server was at TIME: deploy/backup/restore.sh FOLDER DATA TIME
# TIME is like 2026-03-01T12:00:00Z, or `latest`: all that was archived. Run it as the server's user, with
# the server stopped and DATA moved away; then start the server, which replays the log and opens.
set -eu
folder=$(cd "$1" && pwd)
data=$2
time=$3
umask 077
if [ -e "$data" ] && [ -n "$(ls -A "$data")" ]; then
    echo "$data is not empty: move it away, it may still be needed" >&2
    exit 1
fi
case $time in
latest) last=9999 target= ;;
*)
    last=$(date -u -d "$time" +%Y-%m-%dT%H:%M:%SZ)
    target=$(date -u -d "$time" '+%Y-%m-%d %H:%M:%S.%6N+00') # PostgreSQL takes no Z here
    ;;
esac
base=$(ls "$folder/base" | sort | awk -v last="$last" '$0 <= last' | tail -n 1)
if [ -z "$base" ]; then
    echo "no base backup in $folder/base had ended by $time" >&2
    exit 1
fi
mkdir -p "$data"
cp -a "$folder/base/$base/." "$data"
chmod 700 "$data"
{
    # The last piece of the log is a .partial file until it is full.
    echo "restore_command = 'cp \"$folder/wal/%f\" \"%p\" 2>/dev/null || cp \"$folder/wal/%f.partial\" \"%p\"'"
    echo "recovery_target_action = 'promote'"
    echo "recovery_target_time = '$target'"
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
echo "restoring $base to $time"
