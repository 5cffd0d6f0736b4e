#!/bin/sh
# Builds a guest in FOLDER: Debian with cloud-init, as disk.raw, vmlinuz and initrd; status: the packages that it has.
# usage: build_guest.sh FOLDER [PACKAGE…]   as root; about three minutes, from Debian's packages
set -eu

folder=$1
shift
for command in mmdebstrap mke2fs; do
    command -v "$command" >/dev/null || {
        echo "build_guest.sh: $command is missing: apt-get install mmdebstrap e2fsprogs" >&2
        exit 1
    }
done
mkdir -p "$folder"
packages=systemd-sysv,udev,cloud-init,linux-image-cloud-amd64,ifupdown,iproute2,openssh-server,ca-certificates
packages=$packages,isc-dhcp-client,resolvconf,qemu-guest-agent
for package in "$@"; do packages=$packages,$package; done

mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$folder/root.tar"
rm -rf "$folder/root"
mkdir "$folder/root"
tar -C "$folder/root" -xpf "$folder/root.tar"
cp "$folder"/root/boot/vmlinuz-* "$folder/vmlinuz"
cp "$folder"/root/boot/initrd.img-* "$folder/initrd"
cp "$folder/root/var/lib/dpkg/status" "$folder/status"
echo myhost >"$folder/root/etc/hostname"
: >"$folder/root/etc/machine-id"  # as an image has it: a machine makes its own
mke2fs -q -t ext4 -d "$folder/root" "$folder/disk.raw" "${GUEST_SIZE:-2G}"
rm -rf "$folder/root" "$folder/root.tar"
