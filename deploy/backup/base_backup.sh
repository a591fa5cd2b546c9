#!/bin/sh
# Copy a running server to FOLDER/base/TIME, check the copy, and keep the newest KEEP (7) copies with the
# log since the oldest: deploy/backup/base_backup.sh FOLDER [KEEP]
# The server and the login come from libpq's variables, as for archive.sh.
set -eu
folder=$1
keep=${2:-7}
umask 077
mkdir -p "$folder/base" "$folder/wal"
draft=$folder/base/.draft
rm -rf "$draft"
pg_basebackup --pgdata "$draft" --checkpoint fast --no-password
pg_verifybackup --quiet "$draft"
# The copy can be restored to any moment from its end on. Its name is the next full second.
name=$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%SZ)
mv -T "$draft" "$folder/base/$name"

first_segment() {
    sed -n 's/^START WAL LOCATION: .* (file \(.*\))$/\1/p' "$folder/base/$1/backup_label"
}

# Without the log that follows, it can only be restored to its end. And no piece may be deleted that
# archive.sh is still writing.
first=$(first_segment "$name")
tries=60
until [ -e "$folder/wal/$first" ] || [ -e "$folder/wal/$first.partial" ]; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
        echo "the archive has not reached $folder/base/$name: does archive.sh run?" >&2
        exit 1
    fi
    sleep 1
done

for old in $(ls "$folder/base" | sort -r | tail -n +"$((keep + 1))"); do
    rm -rf "${folder:?}/base/$old"
done
oldest=$(ls "$folder/base" | sort | head -n 1)
pg_archivecleanup "$folder/wal" "$(first_segment "$oldest")"
echo "$folder/base/$name"
