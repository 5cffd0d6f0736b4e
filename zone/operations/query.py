"""Reading the catalog for clients: GenQuery 1 and specific queries, each row only for who may see it."""

from __future__ import annotations

from dataclasses import dataclass

from zone.catalog import genquery as catalog
from zone.catalog.genquery import GenQuery, Page
from zone.session import Session


@dataclass(frozen=True)
class SpecificQuery:
    """A stored query by its alias, with its arguments."""

    name: str
    arguments: tuple[str, ...]
    max_rows: int
    continue_index: int
    row_offset: int = 0


def genquery(session: Session, asked: GenQuery) -> Page:
    """One page; CAT_NO_ROWS_FOUND if there is none."""
    return catalog.execute(session.db, session.client, asked, session.cursors)


def specific(session: Session, asked: SpecificQuery) -> Page:
    """One page of a stored query; CAT_UNKNOWN_SPECIFIC_QUERY or CAT_NO_ROWS_FOUND."""
    from zone.catalog import specific as stored

    return stored.execute(session.db, session.client, asked, session.cursors)
