"""Makes a package of a libvirt domain and its disks. Its input is untrusted: domain XML, disk images.

- `domain`: what a domain XML says of the machine
- `operating_systems`: libosinfo's ids as CIM's numbers
- `envelope`: the machine as an OVF descriptor
- `package`: the archive, written in one go
"""
