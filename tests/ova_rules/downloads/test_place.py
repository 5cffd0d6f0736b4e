"""The name of a download."""

from __future__ import annotations

import pytest

from ova_rules.component.download_place import object_name
from ova_rules.component.url_policy import parse
from ova_rules.names import component_of, looks_like_package


@pytest.mark.parametrize(
    ("url", "stem"),
    [
        ("https://h.example/a/base.ova", "base"),
        ("https://h.example/a/Base.OVA", "Base"),
        ("https://h.example/s/Wq8LpTo2xN", "image"),
        ("https://h.example/", "image"),
        ("https://h.example/download?file=base.ova", "image"),
        ("https://h.example/a/my%20base+(1).ova", "my_20base_1"),
        ("https://h.example/a/.ova", "image"),
        ("https://h.example/a/...hidden.ova", "hidden"),
        ("https://h.example/a/" + "x" * 500 + ".ova", "x" * 80),
    ],
)
def test_the_name_is_that_of_the_url_and_tells_urls_apart(url: str, stem: str) -> None:
    name = object_name(parse(url))
    assert name.rpartition("-")[0] == stem
    assert looks_like_package(name) and component_of(f"/z/{name[:-4]}x/{name}") is None
    assert name != object_name(parse(url + "?other" if "?" not in url else url + "&other"))


def test_spellings_of_one_url_share_a_name() -> None:
    spelled = ["https://h.example/a.ova", "HTTPS://H.Example/a.ova", "https://h.example:443/a.ova"]
    assert len({object_name(parse(url)) for url in spelled}) == 1
    others = [
        "http://h.example/a.ova",
        "https://h.example:8443/a.ova",
        "https://i.example/a.ova",
        "https://h.example/b/a.ova",
    ]
    assert len({object_name(parse(url)) for url in [*spelled, *others]}) == 5
