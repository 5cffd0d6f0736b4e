"""victor has secrets, mallory sets traps, and a web server of an attacker's choice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from irods.exception import iRODSException

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.attacks.leaks import leaks
from tests.support.appliances import SECTIONS, descriptor_of, ova
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until
from tests.support.web_server import Server, serving

SECRET = "S3CRET"
PRIVATE = "private-place"

# What mallory sets; %s is victor's private collection.
URLS = {
    "whole": "${%s:pw}",
    "within a path": "/tempZone/x-${%s:pw}-y.ova",
    "within a relative path": "../${%s:pw}/y.ova",
    "of a component": "${%s/comp:ova_url}",
    "inherited": "${%s/open:pw}",
    "over another": "${%s/open:next}",
}
VALUES = {
    "string": ("hostname", "${%s:pw}"),
    "part of a string": ("hostname", "a-${%s:pw}-b"),
    "number": ("number", "${%s:pw}"),
    "flag": ("flag", "${%s:pw}"),
    "range": ("range", "${%s:pw}"),
    "length": ("short", "${%s:pw}"),
    "value map": ("colour", "${%s:pw}"),
    "fixed": ("fixed", "${%s:pw}"),
    "inherited": ("number", "${%s/open:pw}"),
    "over another": ("number", "${%s/open:next}"),
    "source": ("hostname", "${%s/comp:ova_url}"),
    "no property": ("unknown", "${%s:pw}"),
    "no control": ("ova_unknown", "${%s:pw}"),
}

_TYPES = """
<ovf:ProductSection ovf:class="typed"><ovf:Info/>
<ovf:Property ovf:key="number" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="1"/>
<ovf:Property ovf:key="flag" ovf:type="boolean" ovf:userConfigurable="true" ovf:value="true"/>
<ovf:Property ovf:key="range" ovf:type="uint16" ovf:qualifiers="MinValue(5) MaxValue(9)"
 ovf:userConfigurable="true" ovf:value="6"/>
<ovf:Property ovf:key="short" ovf:type="string" ovf:qualifiers="MaxLen(2)" ovf:userConfigurable="true" ovf:value="a"/>
<ovf:Property ovf:key="colour" ovf:type="string" ovf:qualifiers="ValueMap{&quot;red&quot;, &quot;green&quot;}"
 ovf:userConfigurable="true" ovf:value="red"/>
<ovf:Property ovf:key="fixed" ovf:type="string" ovf:value="f"/>
</ovf:ProductSection>"""


def base() -> bytes:
    """An OVA with properties that take few values."""
    return ova(descriptor=descriptor_of(SECTIONS + _TYPES))


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server of an attacker's choice, which the zone may reach."""
    with serving() as running:
        yield running


@pytest.fixture
def settings(server: Server) -> dict[str, object]:
    """Downloads from it are allowed."""
    return {"allowed_urls": [server.url("/public"), "127.0.0.1/32"]}


class Cast:
    """victor has secrets; mallory sets traps in which victor may do everything; what mallory must not learn."""

    def __init__(self, site: Site, victor: Person, mallory: Person) -> None:
        self.site, self.victor, self.mallory = site, victor, mallory
        self.secret = f"{victor.home}/{PRIVATE}"
        victor.client.put(base(), f"{victor.home}/base.ova")
        mallory.client.put(base(), f"{mallory.home}/base.ova")
        victor.client.make(f"{self.secret}/open")
        victor.client.put(base(), f"{self.secret}/{PRIVATE}.ova")
        victor.client.set(self.secret, "pw", SECRET)
        victor.client.set(f"{self.secret}/open", "level", "public")
        victor.client.set(f"{self.secret}/open", "next", f"${{{self.secret}:pw}}")
        victor.client.component(f"{self.secret}/comp", f"{self.secret}/{PRIVATE}.ova")
        victor.grants("read", f"{self.secret}/open", mallory.name)

    def trap(self, name: str) -> str:
        """A collection of mallory's in which victor may do everything, and what he makes there is mallory's to read."""
        path = f"{self.mallory.home}/traps/{name}"
        self.mallory.client.make(path)
        self.mallory.client.allow("inherit", path)
        for other in (self.victor.name, self.site.session.username):
            self.mallory.grants("own", path, other)
        return path

    def provoke(self, *traps: str) -> None:
        """All that makes the server look at the traps as victor, or as an administrator."""
        victor, admin = self.victor.client, PythonClient(self.site.session)
        victor.set(self.secret, "colour", "red")
        victor.set(f"{self.secret}/open", "colour", "red")
        victor.set(f"{self.secret}/comp", "hostname", "new")
        victor.put(base() + bytes(10240), f"{self.secret}/{PRIVATE}.ova")
        victor.put(base() + bytes(10240), f"{self.victor.home}/base.ova")
        victor.session.collections.move(f"{self.secret}/open", f"{self.secret}/moved")
        victor.session.collections.move(f"{self.secret}/moved", f"{self.secret}/open")
        for client in (victor, admin):
            for trap in traps:
                client.set(trap, "note", client.session.username)
                with contextlib.suppress(Refused, iRODSException):
                    client.get(f"{trap}/{trap.rpartition('/')[2]}.ova")
        until(lambda: not admin.jobs(), "the delay queue is empty")


@pytest.fixture
def cast(site: Site, make_person: MakePerson) -> Cast:
    made = Cast(site, make_person(), make_person())
    assert leaks(site, made.mallory, {"secret": SECRET}) == {}
    return made
