"""Builds ready OVAs, puts them in place, and finds those that are out of date."""
