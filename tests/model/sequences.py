"""The operations to choose from, and the beginnings of sequences."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.model.operations import (
    COMPONENTS,
    GRIDS,
    IMAGES,
    PLACES,
    USERS,
    Add,
    Delete,
    Drop,
    Make,
    Move,
    MoveImage,
    Operation,
    Put,
    Remove,
    Restore,
    Set,
    Share,
    Unlink,
)  # fmt: skip

_user = st.sampled_from(USERS)
_anywhere = st.sampled_from(("", *GRIDS, *PLACES))
_values = st.one_of(
    st.tuples(
        st.sampled_from(("hostname", "domainname")),
        st.sampled_from(("sg1", "sg2", "${c1:hostname}", "${c2:hostname}", "at-${ROOT/g1/c2:ip_addr}", "$${x}")),
        st.just(""),
    ),
    st.tuples(st.just("mtu"), st.sampled_from(("9000", "12", "${c1:mtu}")), st.just("")),
    st.tuples(st.sampled_from(("ip_addr", "ipaddr")), st.sampled_from(("10.0.0.1", "${c2:ip_addr}")), st.just("")),
    st.tuples(st.sampled_from(("dns", "net.dns.1")), st.just("10.0.0.53"), st.sampled_from(("", "net.1"))),
    st.tuples(st.sampled_from(("serial", "note")), st.sampled_from(("one", "${nowhere:x}")), st.just("")),
)
_urls = st.sampled_from(
    (
        *(f"ROOT/{name}" for name in IMAGES),
        "../../images/i1.ova",
        "ROOT/g1/c1/c1.ova",
        "../c2/c2.ova",
        "ROOT/images/nothing.ova",
        "ROOT/images",
    )
)


def _avu_operations() -> st.SearchStrategy[Operation]:
    how = st.sampled_from((Set, Set, Add))
    value = st.tuples(how, _user, _anywhere, _values).map(lambda drawn: drawn[0](*drawn[1:3], *drawn[3]))
    places = st.sampled_from(PLACES)
    url = st.tuples(how, _user, places, st.just("ova_url"), _urls).map(lambda drawn: drawn[0](*drawn[1:]))
    attributes = st.sampled_from(("hostname", "domainname", "mtu", "ip_addr", "dns", "serial", "ova_url"))
    return st.one_of(value, value, url, st.builds(Remove, _user, _anywhere, attributes))


operations: st.SearchStrategy[Operation] = st.one_of(
    _avu_operations(),
    _avu_operations(),
    st.builds(Put, _user, st.sampled_from(IMAGES), st.integers(1, 9)),
    st.builds(Share, st.just("alice"), st.sampled_from(IMAGES), st.booleans()),
    st.builds(Unlink, _user, st.sampled_from(IMAGES)),
    st.builds(MoveImage, _user, st.sampled_from(IMAGES), st.sampled_from(("images/moved.ova", *IMAGES))),
    st.builds(MoveImage, _user, st.just("images/moved.ova"), st.sampled_from(IMAGES)),
    st.builds(Make, _user, st.sampled_from(PLACES)),
    st.builds(Move, _user, st.sampled_from(PLACES), st.sampled_from(PLACES)),
    st.builds(Move, _user, st.sampled_from(("g1", "g2", "g3")), st.sampled_from(("g1", "g2", "g3"))),
    st.builds(Delete, _user, st.sampled_from(PLACES)),
    st.builds(Drop, _user, st.sampled_from(COMPONENTS)),
    st.builds(Restore, _user, st.sampled_from(COMPONENTS), st.integers(0, 3)),
    st.builds(
        Set,
        _user,
        st.sampled_from(("g1", "g2", "g3", "g2/c3")),
        st.just("ova_like"),
        st.sampled_from(("ROOT/g1", "ROOT/g2", "ROOT/g3", "ROOT/g1/c1", "ROOT/nothing", "ROOT")),
    ),
    st.builds(Remove, _user, st.sampled_from(("g1", "g2")), st.just("ova_like")),
)

# The beginnings of sequences, so that short ones cover everything.
OPENINGS: dict[str, tuple[Operation, ...]] = {
    "nothing": (),
    "inheritance": (
        Set("alice", "", "domainname", "far.org"),
        Set("bob", "g1", "hostname", "grid"),
        Set("alice", "g1/c1", "hostname", "own"),
        Set("bob", "g1/c1", "net.dns.1", "10.0.0.53"),
        Remove("bob", "g1/c1", "hostname"),
        Set("alice", "g1", "ip_addr", "10.0.0.1"),
        Set("bob", "g1/c1", "ipaddr", "10.0.0.2"),
    ),
    "references": (
        Set("alice", "g1/c1", "ip_addr", "10.0.0.1"),
        Set("bob", "g1/c2", "hostname", "at-${c1:ip_addr}"),
        Set("alice", "g2/c3", "domainname", "${ROOT/g1/c2:hostname}"),
        Set("bob", "g1/c1", "ip_addr", "10.0.0.2"),
    ),
    "prototype": (
        Set("alice", "g1/c1", "hostname", "sg1"),
        Set("alice", "g1", "domainname", "one.org"),
        Set("bob", "g2", "ova_like", "ROOT/g1"),
        Set("alice", "g2", "domainname", "two.org"),
        Set("alice", "g1/c1", "hostname", "sg2"),
    ),
    "history": (
        Set("alice", "g1/c1", "hostname", "sg1"),
        Set("alice", "g1/c1", "mtu", "9000"),
        Set("bob", "g1/c1", "ova_url", "ROOT/images/i2.ova"),
        Remove("bob", "g1/c1", "hostname"),
        Restore("alice", "g1/c1", 2),
    ),
    "chain": (
        Set("alice", "g1/c1", "hostname", "base"),
        Set("bob", "g1/c2", "ova_url", "../c1/c1.ova"),
        Set("alice", "g1/c2", "domainname", "heir.org"),
        Put("bob", "images/i1.ova", 7),
        Set("alice", "g1/c1", "mtu", "12"),
        Set("bob", "g1/c1", "ova_url", "../c2/c2.ova"),
        Set("alice", "g1/c1", "mtu", "9000"),
        Set("alice", "g1/c1", "ova_url", "ROOT/images/i1.ova"),
    ),
}
