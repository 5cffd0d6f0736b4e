#!/bin/sh
# The shared file system: SE_HOST exports /shared, all others mount it when somebody first looks there.
set -eu
mkdir -p /shared
if [ "$(hostname -s)" = "$OVA_SE_HOST" ]; then
    others=$(for host in $OVA_HOSTS; do printf ' %s(rw,sync,no_subtree_check)' "${host%%=*}"; done)
    mkdir -p /etc/exports.d
    printf '/shared%s\n' "$others" >/etc/exports.d/grid.exports
    systemctl enable nfs-server
    systemctl restart nfs-server
    exit 0
fi
sed -i '/ \/shared nfs /d' /etc/fstab
printf '%s:/shared /shared nfs nofail,x-systemd.automount,x-systemd.mount-timeout=30,_netdev 0 0\n' \
    "$OVA_SE_HOST" >>/etc/fstab
systemctl daemon-reload
systemctl start shared.automount
