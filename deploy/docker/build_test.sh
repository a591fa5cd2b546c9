#!/bin/sh
# Builds the image, starts everything with new secrets and empty volumes, runs the given command
# against it, and takes it all down. The exit status is the command's, or that of whatever failed.
set -eu

[ $# -gt 0 ] || { echo "usage: build_test.sh COMMAND…" >&2; exit 2; }
cd "$(dirname "$0")/../.."

# Has its own project, image, ports and settings, so it doesn't disturb a stack that is running.
folder=$(mktemp -d)
export COMPOSE_PROJECT_NAME=event-reservation-test COMPOSE_PROFILES=all IMAGE_TAG=test
export EVENT_PORT="${TEST_EVENT_PORT:-18081}" BOOKING_PORT="${TEST_BOOKING_PORT:-18082}"

compose() { docker compose --env-file "$folder/env" "$@"; }

take_down() {
    status=$?
    trap - EXIT
    [ "$status" -eq 0 ] || compose logs --no-color --tail 50 || true
    compose down --volumes || [ "$status" -ne 0 ] || status=1
    docker image rm --force event-reservation:test >/dev/null || true
    rm -rf "$folder"
    exit "$status"
}
trap take_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

deploy/docker/new_env.sh "$folder/env"
compose up --detach --build --wait --wait-timeout 300
EVENT_URL=http://127.0.0.1:$EVENT_PORT BOOKING_URL=http://127.0.0.1:$BOOKING_PORT "$@"
