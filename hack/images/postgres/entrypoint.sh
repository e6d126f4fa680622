#!/bin/sh
# Makes the database at the first start, then becomes the server.
#   POSTGRES_PASSWORD  password of the user postgres (needed)
#   POSTGRES_DB        a database to make (default: postgres)
set -eu
: "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD to the password that the user postgres shall have}"

NSS_WRAPPER_PASSWD=$(mktemp) NSS_WRAPPER_GROUP=/etc/group
LD_PRELOAD=$(find /usr/lib -name libnss_wrapper.so | head -n 1)
echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" > "$NSS_WRAPPER_PASSWD"
export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP LD_PRELOAD

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # A start that was interrupted leaves a folder that initdb refuses: begin in a fresh one.
    rm -rf "$PGDATA.new" "$PGDATA"
    mkdir -m 0700 "$PGDATA.new"
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" > "$password"
    initdb --pgdata="$PGDATA.new" --username=postgres --pwfile="$password" --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256
    rm "$password"
    echo "host all all all scram-sha-256" >> "$PGDATA.new/pg_hba.conf"
    if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
        echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA.new" postgres > /dev/null
    fi
    mv "$PGDATA.new" "$PGDATA"
fi

exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
