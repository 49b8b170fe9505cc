"""The Condition block of a policy: operators and keys. Source: RAM policy grammar; OSS condition keys.

All operators and keys of a block must hold; of the values of one key any one suffices. A key that a request has no
value for holds for the negated operators (`StringNotEquals`, `NotIpAddress` ...) and for no other. A value that isn't
known yet counts in the request's favour: whoever finds it decides again.

The keys this server can answer are in `_VALUES`. Those of networks and products it doesn't have are known and never
have a value. Another `acs:` or `oss:` key is refused when the policy is stored: a Deny that never fires because of a
slip would go unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple

from coatcheck.core.times import write_iso

from .facts import AccessFacts, Asked
from .patterns import Test, is_literal, read_pattern

_Network = IPv4Network | IPv6Network


class Condition(NamedTuple):
    """One operator on one key. `values` are the texts as written."""

    operator: str
    key: str
    values: tuple[str, ...]
    tests: tuple[Test, ...]
    negated: bool
    value_of: Callable[[Asked], str | None]

    def holds(self, asked: Asked, *, unknown: bool) -> bool:
        """Whether the request fulfils it; `unknown`, if that can't be said yet."""
        value = self.value_of(asked)
        if value is None:
            return self.negated
        if value is _NOT_YET:
            return unknown
        for test in self.tests:
            if test(value):
                return not self.negated
        return self.negated


def read_condition(operator: str, key: str, values: tuple[str, ...]) -> Condition:
    """Raises: ValueError, with words for a person."""
    read = _OPERATORS.get(operator)
    if read is None:
        raise ValueError(f"there is no operator {operator}; there are {', '.join(_OPERATORS)}")
    negated = "Not" in operator
    if key.lower() == _POINT_ARN:
        values = tuple(_plain_region(value) for value in values)
    return Condition(operator, key, values, tuple(read(value) for value in values), negated, _value_of(key))


# --- operators: the text in the policy -> a test of the text of the request -----------------------------------------


def _equals(text: str) -> Test:
    return text.__eq__


def _equals_ignoring_case(text: str) -> Test:
    folded = text.casefold()
    return lambda value: value.casefold() == folded


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str], Test]:
    def read(text: str) -> Test:
        limit = _read_number(text)
        if limit is None:
            raise ValueError(f"{text!r} is not a number")

        def test(value: str) -> bool:
            number = _read_number(value)
            return number is not None and compare(number, limit)

        return test

    return read


def _read_number(text: str) -> float | None:
    if len(text) > 32 or not text.isascii() or not text.removeprefix("-").replace(".", "", 1).isdigit():
        return None
    return float(text)


def _date(compare: Callable[[float, float], bool]) -> Callable[[str], Test]:
    def read(text: str) -> Test:
        limit = _read_moment(text)
        if limit is None:
            raise ValueError(f"{text!r} is not a time such as 2026-03-05T07:08:09Z")

        def test(value: str) -> bool:
            moment = _read_moment(value)
            return moment is not None and compare(moment, limit)

        return test

    return read


@lru_cache(maxsize=64)
def _read_moment(text: str) -> float | None:
    """ISO 8601 -> Unix seconds; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip()) if len(text) <= 64 else None
        return None if moment is None else (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _boolean(text: str) -> Test:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower().__eq__


def _address(text: str) -> Test:
    network = read_network(text)
    if network is None:
        raise ValueError(f"{text!r} is neither an address nor a network such as 192.0.2.0/24")
    version, mask, wanted = network.version, int(network.netmask), int(network.network_address)

    def test(value: str) -> bool:
        its_version, number = _read_address(value)
        return its_version == version and number & mask == wanted

    return test


def read_network(text: str) -> _Network | None:
    """An address, or a network in CIDR form; host bits may be set."""
    try:
        return ip_network(text.strip(), strict=False) if len(text) <= 64 else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _read_address(text: str) -> tuple[int, int]:
    """The version and the number of an address; (0, 0) for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return 0, 0
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "Equals": lambda value, limit: value == limit,
    "NotEquals": lambda value, limit: value == limit,  # negated by its name
    "LessThan": lambda value, limit: value < limit,
    "LessThanEquals": lambda value, limit: value <= limit,
    "GreaterThan": lambda value, limit: value > limit,
    "GreaterThanEquals": lambda value, limit: value >= limit,
}

_OPERATORS: Final[dict[str, Callable[[str], Test]]] = {
    "StringEquals": _equals,
    "StringNotEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringNotEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": read_pattern,
    "StringNotLike": read_pattern,
    **{f"Numeric{name}": _numeric(compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _date(compare) for name, compare in _ORDER.items()},
    "Bool": _boolean,
    "IpAddress": _address,
    "NotIpAddress": _address,
}


_POINT_ARN: Final = "oss:dataaccesspointarn"


def _plain_region(arn: str) -> str:
    """OSS's own examples name the region of an access point either way, oss-cn-hangzhou and cn-hangzhou."""
    beginning = "acs:oss:"
    return beginning + arn.removeprefix(beginning).removeprefix("oss-") if arn.startswith(beginning) else arn


# --- keys: what a request has for them --------------------------------------------------------------------------------


def _of_listing(name: str) -> Callable[[Asked], str | None]:
    """A parameter of a listing; requests for objects have none."""
    return lambda asked: getattr(asked.facts.request, name) if asked.facts.key is None else None


def _point_account(asked: Asked) -> str | None:
    facts = asked.facts
    return None if facts.point is None or facts.bucket is None else facts.bucket.owner


def _point_origin(asked: Asked) -> str | None:
    return None if asked.facts.point is None else asked.facts.point.network_origin


_NOT_YET: Final = "\0not yet"  # compared by identity


_VALUES: Final[dict[str, Callable[[Asked], str | None]]] = {
    "acs:sourceip": lambda asked: asked.facts.request.client or None,
    "acs:securetransport": lambda asked: "true" if asked.facts.request.secure else "false",
    "acs:currenttime": lambda asked: write_iso(int(asked.facts.now)),
    "acs:useragent": lambda asked: asked.facts.request.user_agent,
    "acs:accessid": lambda asked: asked.caller.access_key_id or None,
    "acs:principalarn": lambda asked: asked.caller.arn or None,
    "acs:mfapresent": lambda asked: None if asked.caller.anonymous else "false",
    "oss:prefix": _of_listing("prefix"),
    "oss:delimiter": _of_listing("delimiter"),
    _POINT_ARN: lambda asked: asked.facts.point_arn,
    "oss:dataaccesspointaccount": _point_account,
    "oss:accesspointnetworkorigin": _point_origin,
    "oss:x-oss-acl": lambda asked: asked.facts.acl,
    "oss:x-oss-object-acl": lambda asked: None if asked.facts.key is None else asked.facts.acl,
}
_NEVER: Final = frozenset(
    {"acs:sourcevpc", "acs:sourcevpcid", "acs:sourcevpce", "acs:vpcsourceip", "acs:service", "acs:principalrdid"}
)


_TAGS: Final[dict[str, Callable[[AccessFacts], tuple[tuple[str, str], ...] | None]]] = {
    "oss:existingobjecttag": lambda facts: () if facts.found is None else facts.found.tags,
    "oss:requestobjecttag": lambda facts: facts.tags,
    "oss:buckettag": lambda facts: facts.bucket_tags,
}


def _tag(tags: tuple[tuple[str, str], ...] | None, name: str) -> str | None:
    return _NOT_YET if tags is None else dict(tags).get(name)


def _value_of(key: str) -> Callable[[Asked], str | None]:
    """Raises: ValueError."""
    name, slash, tag = key.partition("/")
    folded = name.lower()
    if slash and folded in _TAGS:
        tags_of = _TAGS[folded]
        return lambda asked: _tag(tags_of(asked.facts), tag)
    if key.lower() in _VALUES:
        return _VALUES[key.lower()]
    if key.lower() in _NEVER or not folded.startswith(("acs:", "oss:")):
        return lambda asked: None
    raise ValueError(f"the condition key {key} is not known here, so the condition could never be checked")


# --- how far a condition narrows ------------------------------------------------------------------------------------

_WIDEST_PREFIX: Final[dict[int, int]] = {4: 8, 6: 32}  # a network wider than this is as good as everybody


def narrows(condition: Condition) -> bool:
    """Whether only a known few pass it: fixed addresses, networks of a size that somebody can own, or keys."""
    key = condition.key.lower()
    if condition.negated:
        return False
    if condition.operator == "IpAddress" and key == "acs:sourceip":
        return all(_is_narrow(read_network(value)) for value in condition.values)
    fixed = {"acs:sourcevpc", "acs:sourcevpcid", "acs:accessid", "acs:principalarn"}
    return key in fixed and condition.operator.startswith("String") and all(map(is_literal, condition.values))


def _is_narrow(network: Any) -> bool:
    return network is not None and network.prefixlen >= _WIDEST_PREFIX[network.version]
