#!/bin/sh
# If .env was lost, this makes a new one and sets its passwords in the databases of the volumes,
# keeping their data. RabbitMQ reads its password at each start. Django's keys are new, so users have
# to log in again.
set -eu
cd "$(dirname "$0")/../.."

[ ! -e .env ] || { echo "there is a .env: this script replaces a lost one" >&2; exit 2; }

KEEP_VOLUMES=1 deploy/docker/new_env.sh .env
docker compose up --detach event-db booking-db
for service in event booking; do
    # Inside the container, the images require no password.
    docker compose exec -T "$service-db" sh -ec '
        until pg_isready --quiet --host 127.0.0.1; do sleep 1; done
        psql --no-psqlrc --quiet --host 127.0.0.1 --username "$POSTGRES_USER" --dbname postgres \
            --set ON_ERROR_STOP=1 --set user="$POSTGRES_USER" --set password="$POSTGRES_PASSWORD"
    ' <<'END'
ALTER ROLE :"user" PASSWORD :'password';
END
done
echo "the databases have the passwords of the new .env: type \`make docker-up-all\`"
