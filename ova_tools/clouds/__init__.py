"""What clouds other than libvirt take: OpenStack's image documents, Proxmox's commands."""
