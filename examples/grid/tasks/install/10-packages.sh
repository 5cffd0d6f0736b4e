#!/bin/sh
# Installs the Debian packages that lie beside this script in the repository. No service starts here; config does that.
set -eu
export DEBIAN_FRONTEND=noninteractive
printf 'slapd slapd/no_configuration boolean true\n' | debconf-set-selections
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
dpkg --force-confold --install packages/*.deb
