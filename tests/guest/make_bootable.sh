#!/bin/sh
# Makes bootable.raw in FOLDER from the guest of build_guest.sh: the same disk, started by its own boot loader.
# usage: make_bootable.sh FOLDER   as root; needs extlinux and a loop device
set -eu

folder=$1
for command in extlinux mke2fs mount; do
    command -v "$command" >/dev/null || {
        echo "make_bootable.sh: $command is missing: apt-get install extlinux e2fsprogs mount" >&2
        exit 1
    }
done
place=$(mktemp -d)
trap 'umount "$place/new" "$place/old" 2>/dev/null || true; rm -rf "$place"' EXIT
mkdir "$place/old" "$place/new"
mount -o loop,ro "$folder/disk.raw" "$place/old"
rm -f "$folder/bootable.part"
mke2fs -q -t ext4 -O '^64bit,^metadata_csum' "$folder/bootable.part" "${GUEST_SIZE:-2G}"  # what the loader can read
mount -o loop "$folder/bootable.part" "$place/new"
cp -a "$place/old/." "$place/new"
cp "$folder/vmlinuz" "$place/new/boot/vmlinuz"
cp "$folder/initrd" "$place/new/boot/initrd"
mkdir -p "$place/new/boot/extlinux"
cat >"$place/new/boot/extlinux/extlinux.conf" <<'END'
DEFAULT guest
LABEL guest
    LINUX /boot/vmlinuz
    INITRD /boot/initrd
    APPEND root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet
END
extlinux --install "$place/new/boot/extlinux"
umount "$place/new"
mv "$folder/bootable.part" "$folder/bootable.raw"
