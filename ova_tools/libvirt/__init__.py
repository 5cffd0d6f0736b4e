"""Makes a libvirt domain of a package: the domain XML and a qcow2 of each disk.

- `terms`: libvirt's terms, for both ways
- `machine`: what the package says of the machine, in libvirt's terms
- `domain_xml`: the domain XML of it
- `export`: the files
"""
