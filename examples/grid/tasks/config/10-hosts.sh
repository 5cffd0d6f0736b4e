#!/bin/sh
# All machines of the grid in /etc/hosts, from HOSTS: "ADDRESS=NAME ADDRESS=NAME …". Small images lack even localhost.
set -eu
kept=$(sed '/^# grid$/,/^# end of grid$/d' /etc/hosts)
{
    printf '%s\n# grid\n' "$kept"
    printf '%s\n' "$kept" | grep -q '^127\.0\.0\.1[[:space:]]' || printf '127.0.0.1 localhost\n'
    for host in $OVA_HOSTS; do
        name=${host#*=}
        printf '%s %s.%s %s\n' "${host%%=*}" "$name" "$OVA_domainname" "$name"
    done
    printf '# end of grid\n'
} >/etc/hosts.new
mv /etc/hosts.new /etc/hosts
