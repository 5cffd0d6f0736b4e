"""GenQuery1, the query language of iRODS clients: `execute` runs one, `parse` reads one from text.

A query is a list of columns and conditions; this package finds the tables that connect them. Everything that a client
sends becomes a bound parameter or a look-up in one of our tables; no text of a client becomes SQL.
"""

from __future__ import annotations

from irods_zone.catalog.genquery.parser import describe, parse
from irods_zone.catalog.genquery.query import Aggregate, GenQuery, Option, Order
from irods_zone.catalog.genquery.run import Cursors, Page, execute

__all__ = ["Aggregate", "Cursors", "GenQuery", "Option", "Order", "Page", "describe", "execute", "parse"]
