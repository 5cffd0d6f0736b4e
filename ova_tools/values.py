"""Checks whether a value fits its property: types, qualifiers and network forms. The error says what would fit.

Must never change a value, and must never put the value of a password property into a message.
Source: DSP0243 9.5.1 tables 6 and 7; type spellings of OVF 0.9 and of vSphere (vAppPropertyInfo.type).
"""

from __future__ import annotations

import re

from .errors import PropertyError
from .model import Property
from .qualifiers import Limits, QualifierSyntaxError, merged, parse_qualifiers
from .xmltext import not_xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal

_INTEGERS = {
    f"{sign}int{bits}": ((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "s" else (0, 2**bits - 1))
    for bits in (8, 16, 32, 64)
    for sign in "us"
}
_INTEGERS.update({f"int{bits}": _INTEGERS[f"sint{bits}"] for bits in (8, 16, 32, 64)})  # often written for sint
_INTEGERS["int"] = _INTEGERS["integer"] = _INTEGERS["sint64"]
_REALS = {
    "real32": "3.4028235e38",
    "real64": "1.7976931348623157e308",
}
_REALS.update({"float": _REALS["real32"], "real": _REALS["real64"], "double": _REALS["real64"]})
_TEXTS = {"string", "password", "expression", "char16", "datetime"}  # vSphere's own and CIM's (DSP0004) too
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}$", re.ASCII)
_REAL = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?$", re.ASCII)
_BOUNDED = ("string", "password", "int", "real")
_CHOICE = re.compile(r"(string|password|int|real)\s*\[(.*)\]$", re.DOTALL)
_LISTED = 12
_MACRO = re.compile(r"\$\{[^{}]+\}$")


def check_value(prop: Property, value: str) -> None:
    """Raise PropertyError if no XML can hold `value`, or it does not fit type and qualifiers of `prop` (DSP0243 9.5.1).

    The message is one line that names the property and says what is allowed. Does not check whether the property may be
    set at all (`user_configurable`).
    """
    unwritable = not_xml(value)
    if unwritable is not None:
        raise PropertyError(f"property {prop.full_name}: {unwritable}", prop.full_name, unwritable)
    base, limits = _rules(prop)
    wrong = (
        _check_type(base, value, limits)
        or _check_choices(prop, base, value, limits)
        or _check_length(value, limits)
        or _check_network(value, limits)
    )
    if wrong:
        shown = "the value" if prop.password else repr(value if len(value) <= 60 else value[:60] + "…")
        raise PropertyError(f"property {prop.full_name}: {shown} does not fit, {wrong}", prop.full_name, wrong)


def _rules(prop: Property) -> tuple[str, Limits]:
    """Return the base type in lower case, and the limits from type and qualifiers."""
    try:
        limits = merged(parse_qualifiers(prop.qualifiers), parse_qualifiers(prop.vmw_qualifiers))
        base, of_type = _type_limits(prop.type.strip())
    except QualifierSyntaxError as error:
        raise PropertyError(
            f"property {prop.full_name}: its qualifiers cannot be read ({error}); "
            "MinLen(n), MaxLen(n), MinValue(n), MaxValue(n) or ValueMap{…} would be right",
            prop.full_name,
        ) from error
    return base, merged(limits, of_type)


def _type_limits(type_: str) -> tuple[str, Limits]:
    lower = type_.lower()
    if lower == "ip" or lower.startswith("ip:"):
        return "string", Limits(network="Ip")
    choice = _CHOICE.match(type_) or _CHOICE.match(lower)
    if choice:
        return choice.group(1).lower(), parse_qualifiers("ValueMap{" + choice.group(2) + "}")
    base, _, within = lower.partition("(")
    base, (low, dots, high) = base.strip(), within[:-1].partition("..")
    if base in _BOUNDED and dots and within.endswith(")") and not set("()") & set(within[:-1]):
        lengths = base in ("string", "password")
        names = ("MinLen", "MaxLen") if lengths else ("MinValue", "MaxValue")
        return base, parse_qualifiers(
            ",".join(f"{name}({bound})" for name, bound in zip(names, (low, high)) if bound.strip())
        )
    return lower.rpartition(":")[2] if lower.startswith(("xs:", "xsd:")) else lower, Limits()


def _check_type(base: str, value: str, limits: Limits) -> str | None:
    if base in _INTEGERS:
        low, high = _INTEGERS[base]
        if limits.min_value is not None:
            low = max(low, int(limits.min_value.to_integral_value("ROUND_CEILING")))
        if limits.max_value is not None:
            high = min(high, int(limits.max_value.to_integral_value("ROUND_FLOOR")))
        right = _INTEGER.match(value) and low <= int(value) <= high
        return None if right else f"{base} is a whole number from {low} to {high}"
    if base in _REALS:
        if not _REAL.match(value) or abs(_decimal(value)) > _decimal(_REALS[base]):
            return f"{base} is a decimal number such as 1.5{_bounds(limits)}"
        return _check_bounds(value, limits)
    if base in ("boolean", "bool"):
        return None if value.lower() in ("true", "false") else "boolean is true or false"
    if base not in _TEXTS:
        return f"its type {base!r} is not one of DSP0243; string, boolean, uint8 … sint64 or real64 would be right"
    return None


def _decimal(text: str) -> Decimal:
    from decimal import Decimal  # most descriptors have no number that is checked exactly

    return Decimal(text)


def _check_bounds(value: str, limits: Limits) -> str | None:
    if limits.min_value is None and limits.max_value is None:
        return None
    number = _decimal(value)
    too_small = limits.min_value is not None and number < limits.min_value
    too_large = limits.max_value is not None and number > limits.max_value
    return f"a number{_bounds(limits)} is right" if too_small or too_large else None


def _bounds(limits: Limits) -> str:
    least = "" if limits.min_value is None else f" of at least {limits.min_value}"
    most = "" if limits.max_value is None else f" of at most {limits.max_value}"
    return " and".join(part for part in (least, most) if part)


def _check_choices(prop: Property, base: str, value: str, limits: Limits) -> str | None:
    if limits.choices is None:
        return None
    numeric = base in _INTEGERS or base in _REALS
    if any(_is_choice(value, choice, numeric) for choice in limits.choices):
        return None
    if prop.password:
        return "its ValueMap does not have it"
    more = ", …" if len(limits.choices) > _LISTED else ""
    return "one of " + ", ".join(repr(choice) for choice in limits.choices[:_LISTED]) + f"{more} is right"


def _is_choice(value: str, choice: str, numeric: bool) -> bool:
    if value == choice:
        return True
    if not numeric:
        return False
    low, dots, high = choice.partition("..")  # DSP0004 allows ranges in a ValueMap of integers
    if dots:
        return all(_REAL.match(end) or not end for end in (low, high)) and (
            (not low or _decimal(low) <= _decimal(value)) and (not high or _decimal(value) <= _decimal(high))
        )
    return bool(_REAL.match(choice)) and _decimal(choice) == _decimal(value)


def _check_length(value: str, limits: Limits) -> str | None:
    low, high = limits.min_len, limits.max_len
    if (low is not None and len(value) < low) or (high is not None and len(value) > high):
        if low is not None and high is not None:
            allowed = f"{low} to {high}"
        else:
            allowed = f"at least {low}" if low is not None else f"at most {high}"
        return f"it has {len(value)} characters, {allowed} are right"
    return None


def _check_network(value: str, limits: Limits) -> str | None:
    """Check vSphere's network forms. An empty value leaves the choice to vSphere, `${…}` asks it for one."""
    form = limits.network
    if form is None or not value or _MACRO.match(value):
        return None
    if form in ("Ip", "AutoIp", "VimIp", "Gateway"):
        return None if _is_address(value) else f"{form} is an IP address such as 10.0.0.1"
    if form == "Netmask":
        return None if _is_netmask(value) else "Netmask is a mask such as 255.255.255.0"
    if form == "Subnet":
        address, slash, bits = value.partition("/")
        right = _is_address(address) and (not slash or _is_prefix(bits) or _is_netmask(bits))
        return None if right else "Subnet is a network such as 10.0.0.0"
    if form == "HostPrefix":
        return None if _is_prefix(value.lstrip("/")) else "HostPrefix is the bits of a network such as 24"
    if form == "Dns":
        right = all(_is_address(part) for part in value.replace(",", " ").replace(";", " ").split())
        return None if right else "Dns is a list of IP addresses such as 10.0.0.1,10.0.0.2"
    return None


def _is_address(text: str) -> bool:
    import ipaddress  # here, because few packages have addresses and the command then starts faster

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_netmask(text: str) -> bool:
    import ipaddress

    try:
        bits = int(ipaddress.ip_address(text))
    except ValueError:
        return _is_prefix(text.lstrip("/"))
    width = 128 if ":" in text else 32
    inverted = bits ^ ((1 << width) - 1)
    return inverted & (inverted + 1) == 0


def _is_prefix(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 128
