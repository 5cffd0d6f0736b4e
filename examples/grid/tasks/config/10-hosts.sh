#!/bin/sh
# All machines of the grid in /etc/hosts, from HOSTS: "ADDRESS=NAME ADDRESS=NAME …".
set -eu
kept=$(sed '/^# grid$/,/^# end of grid$/d' /etc/hosts)
{
    printf '%s\n# grid\n' "$kept"
    for host in $OVA_HOSTS; do
        name=${host#*=}
        printf '%s %s.%s %s\n' "${host%%=*}" "$name" "$OVA_domainname" "$name"
    done
    printf '# end of grid\n'
} >/etc/hosts.new
mv /etc/hosts.new /etc/hosts
