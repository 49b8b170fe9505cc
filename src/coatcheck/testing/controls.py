"""What a test may do to a server besides asking it: one table, for Python and for every other language.

A row is a name, which is the last part of its path too, what it takes as a JSON document, and what it does. It runs on
the server's event loop, whole between two requests unless it waits for the store.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from coatcheck.access.policy import Kind, PolicyFault, read_policy
from coatcheck.core.errors import OssError
from coatcheck.core.names import read_bucket_name
from coatcheck.core.system_policies import SYSTEM_POLICIES
from coatcheck.engines.memory_store import MemoryStore
from coatcheck.ports.bucket import NewBucket
from coatcheck.ports.catalog import AlreadyThere, TooMany
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal, Role

from .documents import Field, Refused, Shape, check
from .kit import SteeredServer, carry_out_lifecycle
from .rules import SHAPE as RULE

Told = dict[str, Any]
_YEARS_S: Final = 300_000_000_000.0
_PUBLIC: Final = "public-read"
_PRIVATE: Final = "private"


class Control(Struct, frozen=True):
    """One row.

    Attributes:
        run: (server, document that fits `takes`) -> what is told. Raises: Refused.
        meaning: for people.
        tells: what is told, by field.
    """

    run: Callable[[SteeredServer, Mapping[str, Any]], Awaitable[Told]]
    meaning: str
    takes: Shape = field(default_factory=dict)
    tells: Shape = field(default_factory=dict)


async def run(server: SteeredServer, name: str, document: Mapping[str, Any]) -> Told:
    """Raises: Refused."""
    control = CONTROLS.get(name)
    if control is None:
        raise Refused(f"There is no control {name!r}: there are {', '.join(CONTROLS)}.")
    check(document, control.takes)
    try:
        return await control.run(server, document)
    except AlreadyThere as error:
        raise Refused(f"There is one already: {error}.") from None
    except TooMany:
        raise Refused("There are too many buckets: --buckets-per-account says how many there may be.") from None


# --- everything -------------------------------------------------------------------------------------------------------


async def _reset(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    store = server.store
    assert isinstance(store, MemoryStore)
    store.clear()
    server.made_keys.clear()
    server.kit.reset()
    return {}


async def _put_bucket(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    try:
        name = read_bucket_name(document["name"])
    except OssError as error:
        raise Refused(f"{document['name']!r}: {error.message}") from None
    region = server.settings.regions[0]
    acl = _PUBLIC if document.get("public") else _PRIVATE
    owner = await server.store.keyring.root_account()
    new = NewBucket(name, owner, region, acl, "Standard", "LRS", int(server.kit.clock()))
    bucket = await server.store.catalog.create_bucket(new, most=server.settings.buckets_per_account)
    if document.get("versioned"):
        await server.store.catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
    return {"name": name}


# --- the clock --------------------------------------------------------------------------------------------------------


async def _clock(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    return _tell_clock(server)


def _tell_clock(server: SteeredServer, done: Mapping[str, int] | None = None) -> Told:
    clock = server.kit.clock
    told: Told = {"now": clock(), "ahead_s": clock.ahead_s(), "frozen": clock.is_frozen}
    return told if done is None else told | {"lifecycle": dict(done)}


async def _move_clock(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    server.kit.clock.move(document["seconds"])
    return _tell_clock(server, await server.kit.follow(server))


async def _set_clock(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    server.kit.clock.set(_read_moment(document["at"]))
    return _tell_clock(server, await server.kit.follow(server))


def _read_moment(given: Any) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise Refused(f"{given!r} is no moment: give Unix seconds, or a text like 2027-01-31T00:00:00Z.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


async def _freeze_clock(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    server.kit.clock.freeze()
    return _tell_clock(server)


async def _go_on_clock(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    server.kit.clock.go_on()
    return _tell_clock(server)


async def _lifecycle(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    return {"done": await carry_out_lifecycle(server, server.kit.clock)}


# --- faults -----------------------------------------------------------------------------------------------------------


async def _add_fault(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    return server.kit.rules.add(document).told()


async def _faults(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    return {"faults": [standing.told() for standing in server.kit.rules.list()]}


async def _remove_fault(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    return server.kit.rules.remove(document["id"]).told()


async def _clear_faults(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    server.kit.rules.clear()
    return {}


# --- requests ---------------------------------------------------------------------------------------------------------


async def _requests(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    after, only_refused = document.get("after", 0), document.get("refused", False)
    records = [record for record in server.kit.records if record.number > after]
    return {"requests": [record.told() for record in records if record.code or not record.status or not only_refused]}


async def _clear_requests(server: SteeredServer, _: Mapping[str, Any]) -> Told:
    server.kit.records.clear()
    return {}


# --- who there is -----------------------------------------------------------------------------------------------------


async def _create_user(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    store, now = server.store, int(server.kit.clock())
    account = await store.keyring.root_account()
    name = document.get("name") or f"user-{secrets.token_hex(4)}"
    texts = _read_policies(document.get("policy"))
    user = User(_new_uid("2"), account, name, now)
    await store.identities.add_user(user)
    for attached in await _store_policies(server, account, name, texts):
        await store.identities.attach(account, attached, user=name)
    key = _new_key()
    principal = Principal(user.uid, name)
    await store.keyring.add_key(AccessKey(key.access_key_id, key.access_key_secret, account, principal=principal))
    server.made_keys[key.access_key_id] = key.access_key_secret
    return {"name": name, **key._asdict()}


async def _create_role(server: SteeredServer, document: Mapping[str, Any]) -> Told:
    store = server.store
    account = await store.keyring.root_account()
    name = document.get("name") or f"role-{secrets.token_hex(4)}"
    texts = _read_policies(document.get("policy"))
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{account}:root"]}}
    role = Role(_new_uid("3"), account, name, json.dumps({"Version": "1", "Statement": [trust]}))
    await store.identities.put_role(role, replace=False)
    for attached in await _store_policies(server, account, name, texts):
        await store.identities.attach(account, attached, role=name)
    return {"name": name, "arn": role.arn}


async def _store_policies(server: SteeredServer, account: str, name: str, texts: list[str]) -> list[str]:
    """Names of policies, after those that are documents were stored."""
    names = []
    for number, text in enumerate(texts):
        if text in SYSTEM_POLICIES:
            names.append(text)
            continue
        names.append(f"{name}-{number}-{secrets.token_hex(4)}")
        policy = StoredPolicy(account, names[-1], text, int(server.kit.clock()))
        await server.store.identities.put_policy(policy, replace=False)
    return names


def _read_policies(given: Any) -> list[str]:
    """Each the name of a policy that every server has, or a document, checked. Raises: Refused."""
    if given is None:
        return []
    if isinstance(given, list):
        return [text for each in given for text in _read_policies(each)]
    if isinstance(given, str) and given in SYSTEM_POLICIES:
        return [given]
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        raise Refused(f"{given!r} is no policy: give a document, or one of {', '.join(SYSTEM_POLICIES)}.")
    text = given if isinstance(given, str) else json.dumps(given)
    try:
        read_policy(text, Kind.IDENTITY)
    except PolicyFault as fault:
        raise Refused(f"The policy can't be stored: {fault}.") from None
    return [text]


class _NewKey(NamedTuple):
    access_key_id: str
    access_key_secret: str


def _new_key() -> _NewKey:
    return _NewKey(f"LTAI5t{secrets.token_hex(9)}", secrets.token_urlsafe(24))


def _new_uid(first: str) -> str:
    return first + "".join(secrets.choice("0123456789") for _ in range(17))


# --- the table --------------------------------------------------------------------------------------------------------

_NAME: Final = Field("string", "Its name; one is made up if it is left out.")
_POLICY: Final = Field(
    "any",
    'A policy document (JSON or text), the name of one that every server has ("AliyunOSSFullAccess"), or a list.',
)
_ID: Final = Field("integer", "The fault's number.", required=True)
_CLOCK: Final[Shape] = {
    "now": Field("number", "Unix seconds, by the server's clock."),
    "ahead_s": Field("number", "How far it is ahead of real time, in seconds."),
    "frozen": Field("boolean", "It stands still."),
}
_MOVED: Final[Shape] = {**_CLOCK, "lifecycle": Field("object", "What lifecycle rules did, since the day is another.")}
_FAULT: Final[Shape] = {
    "id": Field("integer", "Its number."),
    "fitted": Field("integer", "Requests that it was about."),
    "hit": Field("integer", "Those that it befell."),
    "rule": Field("object", "As it was given."),
}

CONTROLS: Final[Mapping[str, Control]] = {
    "reset": Control(_reset, "Everything goes: buckets, users, faults, records; the clock shows real time again."),
    "bucket": Control(
        _put_bucket,
        "Make a bucket of the owner's.",
        {
            "name": Field("string", "Its name.", required=True),
            "versioned": Field("boolean", "Versioning is on."),
            "public": Field("boolean", "Everybody may read its objects."),
        },
        {"name": Field("string", "Its name.")},
    ),
    "clock": Control(_clock, "What the clock says.", {}, _CLOCK),
    "clock-move": Control(
        _move_clock,
        "Move the clock. On another day lifecycle rules are carried out before this is answered.",
        {"seconds": Field("number", "How far; negative is back.", required=True, least=-_YEARS_S, most=_YEARS_S)},
        _MOVED,
    ),
    "clock-at": Control(
        _set_clock,
        "Set the clock. On another day lifecycle rules are carried out before this is answered.",
        {"at": Field("any", "Unix seconds, or an ISO 8601 text; UTC unless it says otherwise.", required=True)},
        _MOVED,
    ),
    "clock-freeze": Control(_freeze_clock, "Let the clock stand still; it can still be moved.", {}, _CLOCK),
    "clock-go-on": Control(_go_on_clock, "Let it go on from where it stands.", {}, _CLOCK),
    "lifecycle": Control(
        _lifecycle, "Carry lifecycle rules out now.", {}, {"done": Field("object", "How many of each kind.")}
    ),
    "fault": Control(_add_fault, "A fault for requests that fit; the first that fits a request counts.", RULE, _FAULT),
    "faults": Control(_faults, "The faults in force.", {}, {"faults": Field("any", "A list of them.")}),
    "fault-remove": Control(_remove_fault, "End a fault; what came of it.", {"id": _ID}, _FAULT),
    "faults-clear": Control(_clear_faults, "End all faults."),
    "requests": Control(
        _requests,
        "What arrived, in order; the latest 10,000.",
        {
            "after": Field("integer", "Only those with a greater number.", least=0),
            "refused": Field("boolean", "Only those that were refused or broke off."),
        },
        {"requests": Field("any", "A list of records.")},
    ),
    "requests-clear": Control(_clear_requests, "Forget them."),
    "user": Control(
        _create_user,
        "Make a user of the owner's account, with a key.",
        {"name": _NAME, "policy": _POLICY},
        {
            "name": Field("string", "Its name."),
            "access_key_id": Field("string", "Its key."),
            "access_key_secret": Field("string", "The secret."),
        },
    ),
    "role": Control(
        _create_role,
        "Make a role that the owner's account and its users may assume.",
        {"name": _NAME, "policy": _POLICY},
        {"name": Field("string", "Its name."), "arn": Field("string", "What AssumeRole takes.")},
    ),
}
