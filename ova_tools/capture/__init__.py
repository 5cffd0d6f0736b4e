"""Captures a machine that libvirt runs. libvirt is asked by virsh, and what it runs is never changed.

- `virsh`: libvirt's answers, each within a bound of time
- `machine`: the disks and the domain XML of a machine
"""
