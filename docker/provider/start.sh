#!/usr/bin/env bash
# Sets the server up on its first start, installs the rules with ova-admin, and runs the server in the foreground.
# Without Docker, on a machine with the same packages: as root, with the variables of unattended.py set.
#   SOURCE (a clone with .venv, as `make setup` or the image makes it), SETUP (setup_irods.py)
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
source_folder="${SOURCE:-$here/../..}"
setup="${SETUP:-/var/lib/irods/scripts/setup_irods.py}"

wait_for_database() {
    for _ in $(seq 120); do
        if (exec 3<>"/dev/tcp/${DB_HOST:-db}/${DB_PORT:-5432}") 2>/dev/null; then return; fi
        sleep 1
    done
    echo "start.sh: no database at ${DB_HOST:-db}:${DB_PORT:-5432} after two minutes" >&2
    return 1
}

set_up() {
    local answers
    answers="$(mktemp)"
    chmod 600 "$answers"
    python3 "$here/unattended.py" >"$answers"
    python3 "$setup" --json_configuration_file "$answers"
    rm -f "$answers"
}

wait_for_database
if [ ! -e /var/lib/irods/.set-up ]; then  # a set-up that broke off begins again
    set_up
    touch /var/lib/irods/.set-up
fi
"$source_folder/.venv/bin/ova-admin" install --configure-server --yes --no-reload
cd /var/lib/irods
exec runuser -u irods -- env HOME=/var/lib/irods irodsServer --stdout
