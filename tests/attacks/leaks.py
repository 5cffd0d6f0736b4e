"""What a user has learnt: all that the user can see in the zone, and what was made from it where the user may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person


def seen_by(person: Person) -> str:
    """Names, AVUs and jobs that queries show to a person, as one text."""
    from irods.models import Collection, CollectionMeta, DataObject, DataObjectMeta

    ask: Any = person.client.session.query
    queries = (
        (Collection.name,),
        (Collection.name, CollectionMeta.name, CollectionMeta.value, CollectionMeta.units),
        (Collection.name, DataObject.name),
        (Collection.name, DataObject.name, DataObjectMeta.name, DataObjectMeta.value, DataObjectMeta.units),
    )
    return "\n".join(" ".join(str(row[column]) for column in columns) for columns in queries for row in ask(*columns))


def files_below(site: Site, *collections: str) -> dict[str, bytes]:
    """The vault files of all objects below these collections, whoever may read them, by logical path."""
    from irods.models import Collection, DataObject

    found = {}
    for row in site.session.query(Collection.name, DataObject.name, DataObject.path):
        if f"{row[Collection.name]}/".startswith(tuple(f"{path}/" for path in collections)):
            found[f"{row[Collection.name]}/{row[DataObject.name]}"] = Path(row[DataObject.path]).read_bytes()
    return found


def leaks(site: Site, person: Person, secrets: dict[str, str]) -> dict[str, str]:
    """Which of these secrets a person has learnt, each with where it stands. The values are the secrets' texts."""
    text = seen_by(person)
    files = files_below(site, person.home)
    found = {}
    for name, secret in secrets.items():
        lines = [line for line in text.splitlines() if secret in line]
        holding = [path for path, data in files.items() if secret.encode() in data]
        if lines or holding:
            found[name] = (lines + holding)[0]
    return found
