#!/bin/sh
# Downloads the Debian packages of the example: FOLDER/ce, FOLDER/wn, FOLDER/se.
# usage: packages.sh FOLDER STATUS   on Debian 12; STATUS: /var/lib/dpkg/status of the image, so that only what it lacks comes
set -eu
[ $# = 2 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
status=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")

fetch() {
    role=$1
    shift
    mkdir -p "$folder/$role/partial"
    apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$status" \
        -o Dir::Cache::archives="$folder/$role" -o Debug::NoLocking=1 install "$@"
    rm -rf "$folder/$role/partial" "$folder/$role/lock"
}

fetch ce slurmctld slurm-client munge bdii nfs-common
fetch wn slurmd slurm-client munge nfs-common
fetch se nfs-kernel-server
