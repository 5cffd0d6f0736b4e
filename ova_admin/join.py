"""The command `join`: brings the zone's key from the server with the catalog to another one.

The key is never in the catalog and in no file besides the two: it goes from one standard output to another standard
input, through whatever the administrator trusts (`ssh PROVIDER ova-admin join --give | ova-admin join`).
"""

from __future__ import annotations

import os
from pathlib import Path

from ova_admin.errors import AdminError
from ova_admin.places import Places, is_root, state_folder
from ova_rules import settings as rules_settings
from ova_rules.servers import key as keys
from ova_rules.servers.roles import provider_named

_WORD = "ova-key"


def given(places: Places) -> str:
    """The key of the server with the catalog, as the text that `take` reads; made if there was none yet."""
    provider = provider_named(str(places.etc))
    if provider:
        raise AdminError(f"this server has no catalog; the key comes from {provider}")
    path = _key_file(places)
    try:
        key = keys.made_key(str(path))
    except ValueError as error:
        raise AdminError(str(error)) from error
    _hand_over(places, path)
    return f"{_WORD} {key.hex()}"


def take(places: Places, text: str) -> bool:
    """Puts the key in `text` in its place. False if it was there. Raises AdminError; another key is never replaced."""
    if not provider_named(str(places.etc)):
        raise AdminError("this server has the catalog, its key is the zone's; run join on the other servers")
    word, _, digits = text.strip().partition(" ")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if word != _WORD or len(key) != keys.KEY_BYTES:
        raise AdminError(
            "standard input is no key; it comes from `ova-admin join --give` on the server with the catalog"
        )
    path = _key_file(places)
    made = keys.put_key(str(path), key)
    if not made and keys.read_key(str(path)) != key:
        raise AdminError(f"{path} is another key; if it is of no use, remove it and run this again")
    _hand_over(places, path)
    return made


def _key_file(places: Places) -> Path:
    """The file, in the state folder, which is made if it is missing."""
    account = places.service_account()
    configured = rules_settings.load(str(places.etc), lambda problem: None).state_directory
    folder = state_folder(configured, account)
    if account is None or folder is None:
        raise AdminError(f"the service account is not known: {places.server_config} cannot be looked at")
    if not is_root() and account.pw_uid != os.getuid():
        raise AdminError(f"run this as root or as {account.pw_name}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _hand_over(places, folder)
    return folder / "key"


def _hand_over(places: Places, path: Path) -> None:
    account = places.service_account()
    if account is not None and is_root() and path.lstat().st_uid == 0:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
