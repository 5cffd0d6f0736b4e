"""The text of a data object, as a value takes it (`${<config/NAME}`). Reading only."""

from __future__ import annotations

from ova_rules.catalog.access import Access
from ova_rules.component.source import opened, stat_of
from ova_rules.errors import ComponentError, HiddenError
from ova_rules.settings import Settings


def read_text(catalog: Access, settings: Settings, path: str, most: int) -> str:
    """The UTF-8 text of the data object at `path`, which the client must be able to read, of at most `most` bytes.

    Raises ComponentError if the object does not exist, is longer, is no text, or no server has its file.
    """
    replicas = catalog.replicas(path)
    if not replicas or not catalog.may_read(path):
        raise HiddenError(f"{path} does not exist, or {catalog.user} may not read it")
    if replicas[0].size > most:
        raise ComponentError(f"{path} has {replicas[0].size} bytes; a value takes at most {most}")
    for replica in replicas:
        if replica.good and stat_of(replica, settings) is not None:
            with opened(catalog, settings, replica) as file:
                data = file.read(most + 1)
            break
    else:
        raise ComponentError(f"{path} is being written, or no server has its file", lasting=False)
    if len(data) != replica.size:
        raise ComponentError(f"{path} is being written, or was without iRODS", lasting=False)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ComponentError(f"{path} is no text in UTF-8 (byte {error.start})") from error
