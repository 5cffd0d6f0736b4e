#!/usr/bin/env bash
# Adds the package repository of the iRODS consortium to an Ubuntu or Debian, and installs the packages named.
# As root: irods-packages.sh PACKAGE[=VERSION]...
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends ca-certificates curl gnupg
# shellcheck disable=SC1091
codename="$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")"
keyring=/usr/share/keyrings/irods.gpg
curl -fsS https://packages.irods.org/irods-signing-key.asc | gpg --dearmor >"$keyring"
printf 'deb [arch=amd64 signed-by=%s] https://packages.irods.org/apt/ %s main\n' "$keyring" "$codename" \
    >/etc/apt/sources.list.d/irods.list
apt-get update -q
apt-get install -qy --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/*
