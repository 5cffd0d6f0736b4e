"""Reads the catalog for clients: GenQuery 1 and specific queries, only with rows that the user may see."""

from __future__ import annotations

from irods_zone import errors
from irods_zone.catalog import genquery as catalog
from irods_zone.catalog import specific as stored
from irods_zone.catalog.genquery import GenQuery, Page
from irods_zone.errors import IrodsError
from irods_zone.session import Session

_NOT_STORED = "The SQL is not pre-defined.\n  See 'iadmin h asq' (add specific query)"


def genquery(session: Session, request: GenQuery) -> Page:
    """One page; CAT_NO_ROWS_FOUND if there is none."""
    return catalog.execute(session.db, session.client, request, session.cursors)


def specific(session: Session, request: stored.SpecificQuery) -> Page:
    """One page of a stored query; CAT_UNKNOWN_SPECIFIC_QUERY or CAT_NO_ROWS_FOUND."""
    try:
        return stored.execute(session.db, session.client, request, session.cursors)
    except IrodsError as error:
        if error.code == errors.CAT_UNKNOWN_SPECIFIC_QUERY:
            session.error_stack.append((0, _NOT_STORED))
        raise
