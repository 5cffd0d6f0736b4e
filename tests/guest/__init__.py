"""Machines that boot: how a running guest uses a seed. `make boot`; not part of `make test`."""
