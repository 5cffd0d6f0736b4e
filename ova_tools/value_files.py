"""Values that are the text of a file: `@FILE` in place of a value, `@@…` for a value that begins with @.

Must never read more than a limited text, and must never show any of it in a message.
"""

from __future__ import annotations

import os

from .errors import PackageError, PropertyError
from .limits import MAX_VALUE_FILE
from .package import open_regular


def value_of(text: str) -> str:
    """Return the value that `text` means: itself, or the content of the file that it names.

    Raises PropertyError for a file that cannot be read, is too long, or is no text in UTF-8.
    """
    if not text.startswith("@"):
        return text
    return text[1:] if text.startswith("@@") else _read(text[1:])


def text_of(data: bytes, shown: str) -> str:
    """Return the text of a file's bytes, read as UTF-8, without byte order mark and last line end.

    `shown` is the name of the file in messages. Raises PropertyError.
    """
    if len(data) > MAX_VALUE_FILE:
        raise PropertyError(f"{shown} has more than {MAX_VALUE_FILE} bytes, too many for a value")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PropertyError(f"{shown} is no text in UTF-8: byte {error.start + 1} is part of no character") from error
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith("\n") else text


def _read(name: str) -> str:
    if not name:
        raise PropertyError("@ names no file; @FILE is the content of a file, @@ is one @")
    try:
        with open_regular(name, name) as file:
            data = b""
            while len(data) <= MAX_VALUE_FILE and (piece := os.read(file.fileno(), MAX_VALUE_FILE + 1 - len(data))):
                data += piece
    except PackageError as error:
        raise PropertyError(f"{error}; @FILE is the content of a file, @@ is one @") from error
    return text_of(data, name)
