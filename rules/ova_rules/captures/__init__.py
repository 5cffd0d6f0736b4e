"""Machines that were captured: the job that makes an image of a domain XML and its disks."""
