"""Which values fit which property: types, qualifiers, network forms; and the text of the refusal."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ova_tools.errors import PropertyError
from ova_tools.model import Property
from ova_tools.qualifiers import parse_qualifiers
from ova_tools.values import check_value


def prop(type: str = "string", qualifiers: str = "", vmw: str = "", password: bool = False) -> Property:
    return Property("c.k", "k", type=type, qualifiers=qualifiers, vmw_qualifiers=vmw, password=password)


FITS = [
    (prop("string"), ["", "any", "ünï", "a\nb"]),
    (prop("String"), ["any"]),
    (prop("boolean"), ["true", "false", "True", "FALSE"]),
    (prop("Boolean"), ["true"]),
    (prop("uint8"), ["0", "255", "+7", "007"]),
    (prop("sint8"), ["-128", "127"]),
    (prop("uint16"), ["65535"]),
    (prop("sint16"), ["-32768"]),
    (prop("uint32"), ["4294967295"]),
    (prop("sint32"), ["-2147483648"]),
    (prop("uint64"), ["18446744073709551615"]),
    (prop("sint64"), ["-9223372036854775808"]),
    (prop("int"), ["-5", "5"]),
    (prop("real32"), ["1.5", "-2", ".5", "1e10", "3.4e38"]),
    (prop("real64"), ["1e308"]),
    (prop("real"), ["0.5"]),
    (prop("expression"), ["${netmask:VM Network}"]),
    (prop("password"), ["any"]),
    (prop("ip"), ["10.0.0.1", "fe80::1", ""]),
    (prop("ip:VM Network"), ["10.0.0.1"]),
    (prop("string[dhcp,static]"), ["dhcp", "static"]),
    (prop('string["a b","c"]'), ["a b"]),
    (prop("string(2..4)"), ["ab", "abcd"]),
    (prop("string(..4)"), ["", "abcd"]),
    (prop("string(2..)"), ["ab" * 50]),
    (prop("int(-5..5)"), ["-5", "5"]),
    (prop("real(0.5..1.5)"), ["0.5", "1.5"]),
    (prop(qualifiers="MinLen(1),MaxLen(3)"), ["a", "abc", "ünï"]),
    (prop(qualifiers="MinLen(1) MaxLen(3)"), ["abc"]),
    (prop(qualifiers="minlen( 1 ) , MAXLEN(3)"), ["abc"]),
    (prop(qualifiers='ValueMap{"a, b", "E\\"s", "", "Sla\\\\sh"}'), ["a, b", 'E"s', "", "Sla\\sh"]),
    (prop(qualifiers="ValueMap{a,b c}"), ["a", "b c"]),
    (prop("int", "ValueMap{1, 2, 10..20}"), ["1", "02", "15"]),
    (prop("int", "MinValue(1),MaxValue(65535)"), ["1", "65535"]),
    (prop("real", "MinValue(0.1) MaxValue(1)"), ["0.1", "1.0"]),
    (prop(qualifiers="SomethingUnknown(5), MaxLen(3)"), ["abc"]),
    (prop(vmw="Ip"), ["10.0.0.1", "::1", "", "${vimIp:}"]),
    (prop(vmw="Ip('VM Network')"), ["10.0.0.1"]),
    (prop(vmw='Ip("VM Network")'), ["10.0.0.1"]),
    (prop(qualifiers="Ip(Management)"), ["10.0.0.1"]),
    (prop(vmw='Netmask("n")'), ["255.255.255.0", "24", "${netmask:n}"]),
    (prop(vmw="Gateway"), ["10.0.0.254"]),
    (prop(vmw="Subnet"), ["10.0.0.0", "10.0.0.0/24"]),
    (prop(vmw="HostPrefix"), ["24", "/24"]),
    (prop(vmw="Dns"), ["10.0.0.1, 10.0.0.2", "10.0.0.1"]),
    (prop(vmw="DomainName"), ["example.org"]),
]

MISFITS = [
    (prop("nosuchtype"), ["any"], "its type 'nosuchtype' is not one of DSP0243"),
    (prop(qualifiers=f"ValueMap{{{','.join(map(str, range(99)))}}}"), ["x"], "'11', … is right"),
    (prop("boolean"), ["", "1", "yes"], "boolean is true or false"),
    (
        prop("uint8"),
        ["", "256", "-1", "1.0", "0x1", "a", "٣", "1 ", "9" * 5000],
        "uint8 is a whole number from 0 to 255",
    ),
    (prop("sint8"), ["128", "-129"], "sint8 is a whole number from -128 to 127"),
    (prop("uint64"), ["18446744073709551616"], "from 0 to 18446744073709551615"),
    (prop("real32"), ["", "1e39", "nan", "inf", "1,5", "."], "real32 is a decimal number such as 1.5"),
    (prop("real64"), ["1e309", "1e9999"], "real64 is a decimal number"),
    (prop("int", "MinValue(1),MaxValue(9)"), ["0", "10"], "int is a whole number from 1 to 9"),
    (prop("int", "MinValue(1)"), ["x"], "from 1 to 9223372036854775807"),
    (prop("int(1..5)"), ["6"], "int is a whole number from 1 to 5"),
    (prop("uint8", "MinValue(0.5)"), ["0"], "uint8 is a whole number from 1 to 255"),
    (prop("sint8", "MaxValue(-1.5)"), ["-1"], "sint8 is a whole number from -128 to -2"),
    (prop("uint64", "MaxValue(1e30)"), ["x"], "from 0 to 18446744073709551615"),
    (prop("uint64", "MinValue(1e30)"), ["5"], "from 1000000000000000000000000000000 to"),
    (prop("real", "MaxValue(1)"), ["1.01"], "a number of at most 1 is right"),
    (prop(qualifiers="MinLen(2),MaxLen(3)"), ["", "a", "abcd"], "characters, 2 to 3 are right"),
    (prop(qualifiers="MinLen(2)"), ["a"], "it has 1 characters, at least 2 are right"),
    (prop(qualifiers="MaxLen(2)"), ["abc"], "it has 3 characters, at most 2 are right"),
    (prop("string(2..4)"), ["abcde"], "2 to 4 are right"),
    (prop(qualifiers='ValueMap{"a","b"}'), ["c", "", "A"], "one of 'a', 'b' is right"),
    (prop("int", "ValueMap{1,2}"), ["3"], "one of '1', '2' is right"),
    (prop("string[dhcp,static]"), ["none"], "one of 'dhcp', 'static' is right"),
    (prop("ip"), ["10.0.0", "host"], "Ip is an IP address such as 10.0.0.1"),
    (prop(vmw="Ip"), ["10.0.0.256"], "Ip is an IP address"),
    (prop(vmw='Netmask("n")'), ["255.0.255.0", "x"], "Netmask is a mask such as 255.255.255.0"),
    (prop(vmw="Dns"), ["10.0.0.1, x"], "Dns is a list of IP addresses"),
    (prop(vmw="HostPrefix"), ["x", "129"], "HostPrefix is the bits of a network"),
    (prop(vmw="Subnet"), ["10.0.0.0/x"], "Subnet is a network"),
]


def shown(value: object) -> str:
    return f"{value.type}{value.qualifiers}" if isinstance(value, Property) else ""


@pytest.mark.parametrize(("fitting", "values"), FITS, ids=shown)
def test_a_fitting_value_is_accepted(fitting: Property, values: list[str]) -> None:
    for value in values:
        check_value(fitting, value)


@pytest.mark.parametrize(("strict", "values", "message"), MISFITS, ids=shown)
def test_a_misfit_is_refused_in_one_line_that_names_the_property_and_what_is_right(
    strict: Property, values: list[str], message: str
) -> None:
    for value in values:
        with pytest.raises(PropertyError) as caught:
            check_value(strict, value)
        assert str(caught.value).startswith("property c.k: ")
        assert message in str(caught.value)
        assert str(caught.value).isprintable()
        assert caught.value.property == "c.k"


@pytest.mark.parametrize("qualifiers", ["MinLen(", "MinLen(x)", "MaxLen(-1)", "MinLen(1.5)", "ValueMap{", 'ValueMap{"a',
                                        'ValueMap{"a"b}', "MaxValue()", "{}", "MinValue(1e9999)", "(((("])  # fmt: skip
def test_qualifiers_that_cannot_be_read_are_refused_not_guessed(qualifiers: str) -> None:
    with pytest.raises(PropertyError, match=r"property c\.k: its qualifiers cannot be read"):
        check_value(prop("int", qualifiers), "1")


@pytest.mark.parametrize("strict", [prop(qualifiers="MaxLen(3)", password=True), prop("uint8", password=True),
                                    prop(qualifiers='ValueMap{"s3cret1","s3cret2"}', password=True)])  # fmt: skip
def test_a_password_is_in_no_message(strict: Property) -> None:
    with pytest.raises(PropertyError) as caught:
        check_value(strict, "s3cret")

    assert "s3cret" not in str(caught.value)
    assert "the value does not fit" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["a," * 100_000, "ValueMap{" + "a" * 200_000, "ValueMap{" + "'a'," * 40_000, "ValueMap{" + 'a"' * 100_000 + "}",
     " " * 200_000 + "x", "MinLen(" * 30_000, "ValueMap{'" + "\\" * 200_000],
)  # fmt: skip
def test_hostile_qualifiers_cost_no_more_than_their_length(text: str) -> None:
    start = time.process_time()

    with contextlib.suppress(PropertyError):
        check_value(prop("string", text), "x")

    assert time.process_time() - start < 2


def test_qualifiers_of_absurd_length_are_refused() -> None:
    with pytest.raises(PropertyError, match="300000 characters, at most 262144 are right"):
        check_value(prop(qualifiers="a" * 300_000), "x")


def test_several_qualifiers_are_read_together() -> None:
    limits = parse_qualifiers('MinLen(1),MaxLen(9),ValueMap{"a","b"},Ip("x")')

    assert (limits.min_len, limits.max_len, limits.choices, limits.network) == (1, 9, ("a", "b"), "Ip")


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cs", "Cn"]), max_size=8))
def test_a_value_is_refused_exactly_if_lxml_could_not_write_it(value: str) -> None:
    wrong = [n for n, char in enumerate(value, 1) if not writable(char)]

    try:
        check_value(Property("k", "k"), value)
    except PropertyError as error:
        assert wrong, value
        shown = f"character {wrong[0]} of the value is U+{ord(value[wrong[0] - 1]):04X}, which XML 1.0 cannot hold"
        assert (str(error), error.wrong) == (f"property k: {shown}", shown)
    else:
        assert not wrong, value


@pytest.mark.parametrize("char", ["\0", "\x04", "\x1f", "\ufffe", "\uffff", "\ud800", "\udfff"])
@pytest.mark.parametrize("type_", ["string", "uint8", "password", "nonsense"])
def test_a_character_that_xml_cannot_hold_is_named_for_every_type(char: str, type_: str) -> None:
    with pytest.raises(PropertyError, match=rf"character 3 of the value is U\+{ord(char):04X}, which XML 1.0 cannot"):
        check_value(Property("k", "k", type=type_), f"ab{char}")


def writable(char: str) -> bool:
    try:
        etree.Element("e").set("value", char)
    except (ValueError, UnicodeEncodeError):
        return False
    return True
