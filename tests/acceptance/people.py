"""Ordinary users, made for one test."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable

from tests.acceptance.conftest import Site
from tests.support.clients import PythonClient


class Person:
    """An ordinary user with a home and a client."""

    def __init__(self, site: Site) -> None:
        self.name = f"user{uuid.uuid4().hex[:8]}"
        self._site = site
        site.session.users.create(self.name, "rodsuser")
        site.session.users.modify(self.name, "password", "secret")
        self.client = PythonClient(site.new_session(self.name, "secret"))
        self.home = f"/{site.session.zone}/home/{self.name}"

    def may(self, level: str, path: str, *, recursive: bool = False) -> None:
        """`ichmod LEVEL USER PATH`, by the administrator."""
        self._site.allow(level, path, self.name, recursive=recursive)

    def grants(self, level: str, path: str, user: str, *, recursive: bool = False) -> None:
        """`ichmod LEVEL USER PATH`, by this user."""
        self.client.allow(level, path, user, recursive=recursive)

    def facts(self, component: str) -> dict[str, str]:
        """The facts of a component, as this user sees them."""
        return self.client.facts(component)

    def remove_components(self) -> None:
        """Their collections as far as they may be removed: what is in them may be in use until others are gone."""
        from irods.exception import CAT_NO_ACCESS_PERMISSION

        for item in self.client.session.collections.get(self.home).subcollections:
            with contextlib.suppress(CAT_NO_ACCESS_PERMISSION):
                item.remove(recurse=True, force=True)

    def remove(self) -> None:
        """Their things, and they."""
        for item in self.client.session.collections.get(self.home).subcollections:
            item.remove(recurse=True, force=True)
        for item in self.client.session.collections.get(self.home).data_objects:
            item.unlink(force=True)
        self._site.session.users.remove(self.name)


MakePerson = Callable[[], Person]
