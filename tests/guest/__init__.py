"""Machines that boot: what a running guest makes of a seed. `make boot`; not part of `make test`."""
