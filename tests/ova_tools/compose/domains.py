"""Domain XMLs for tests, as `virsh dumpxml` prints them."""

from __future__ import annotations

OSINFO = (
    "<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<libosinfo:os id='{}'/></libosinfo:libosinfo></metadata>"
)


def disk(target: str = "vda", bus: str = "virtio", format: str = "qcow2", source: str = "", type: str = "file") -> str:
    """A disk of that target; its file is TARGET.FORMAT in a folder of libvirt's."""
    path = source or f"/var/lib/libvirt/images/{target}.{format}"
    return (
        f"<disk type='{type}' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/>"
        f"<target dev='{target}' bus='{bus}'/></disk>"
    )


def nic(mac: str = "52:54:00:12:34:56", network: str = "default", model: str = "virtio") -> str:
    """A network interface."""
    address = f"<mac address='{mac}'/>" if mac else ""
    return f"<interface type='network'>{address}<source network='{network}'/><model type='{model}'/></interface>"


def domain(
    devices: str | None = None,
    *,
    name: str = "sg12",
    type: str = "kvm",
    processors: str = "<vcpu>2</vcpu>",
    memory: str = "<memory unit='KiB'>2097152</memory>",
    os: str = "<os><type arch='x86_64' machine='q35'>hvm</type></os>",
    more: str = "",
) -> bytes:
    """A machine with these devices; by default a disk and a network interface."""
    parts = disk() + nic() if devices is None else devices
    return (
        f"<domain type='{type}'><name>{name}</name>{memory}{processors}{os}{more}"
        f"<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{parts}</devices></domain>"
    ).encode()
