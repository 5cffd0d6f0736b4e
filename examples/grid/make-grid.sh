#!/bin/sh
# Makes the example grid in iRODS, with i-commands: a computing element, two workers and a file server.
# usage: make-grid.sh IMAGE PACKAGES [GRID]   IMAGE: path of an OVA in iRODS; PACKAGES: the folder that packages.sh made
set -eu
[ $# -ge 2 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
image=$1 packages=$2 grid=${3:-grid01}
here=$(cd "$(dirname "$0")" && pwd)

set_avu() { # COLLECTION NAME VALUE…
    collection=$1
    shift
    while [ $# -ge 2 ]; do
        imeta set -C "$collection" "$1" "$2"
        shift 2
    done
}

# The tasks first: nothing is built as long as no collection has ova_url.
imkdir -p "$grid/ce01/install" "$grid/wn01/install" "$grid/se01/install" "$grid/wn02"
iput -rf "$here/tasks/config" "$grid/"
key=$(mktemp)
trap 'rm -f "$key"' EXIT
dd if=/dev/urandom of="$key" bs=1024 count=1 2>/dev/null
iput -f "$key" "$grid/config/munge.key"
for machine in ce01 wn01 se01; do
    iput -f "$here/tasks/install/10-packages.sh" "$grid/$machine/install/"
    iput -rf "$packages/${machine%01}" "$grid/$machine/install/packages"
done

# What all machines share, under YAIM's names. ${ce01:hostname} follows that machine.
set_avu "$grid" \
    ova_forms seed \
    domainname cc.example.org netmask 255.255.255.0 gateway 10.91.14.1 \
    SITE_NAME EXAMPLE-GRID SITE_EMAIL grid@cc.example.org QUEUES grid WN_SMPSIZE 1 \
    CE_HOST '${ce01:hostname}' SE_HOST '${se01:hostname}' BDII_HOST '${ce01:hostname}' \
    WN_LIST '${wn01:hostname} ${wn02:hostname}' \
    HOSTS '${ce01:ip_addr}=${ce01:hostname} ${wn01:ip_addr}=${wn01:hostname} ${wn02:ip_addr}=${wn02:hostname} ${se01:ip_addr}=${se01:hostname}'

# What tells the machines apart. The second worker is like the first one, its tasks included.
set_avu "$grid/ce01" hostname ce01 ip_addr 10.91.14.11
set_avu "$grid/wn01" hostname wn01 ip_addr 10.91.14.21
set_avu "$grid/wn02" hostname wn02 ip_addr 10.91.14.22
set_avu "$grid/se01" hostname se01 ip_addr 10.91.14.31
for machine in ce01 wn01 se01; do
    set_avu "$grid/$machine" ova_url "$image"
done
set_avu "$grid/wn02" ova_like ../wn01
