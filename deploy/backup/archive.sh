#!/bin/sh
# Stream a server's write-ahead log to FOLDER/wal until stopped: deploy/backup/archive.sh FOLDER
# The server and the login come from libpq's variables: PGHOST, PGPORT, PGUSER, PGPASSFILE.
set -eu
folder=$1
umask 077
mkdir -p "$folder/wal"
# Until this program has the log, the server keeps it for the slot: an interruption leaves no gap.
pg_receivewal --directory "$folder/wal" --slot archive --create-slot --if-not-exists --no-password
exec pg_receivewal --directory "$folder/wal" --slot archive --synchronous --no-password
