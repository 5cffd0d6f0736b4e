"""Builds ready OVAs and puts them in place; says which are out of date."""
