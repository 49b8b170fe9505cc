"""What strangers send: addresses signed by hand over whatever they say, and people who may do little."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1, sha256
from hmac import digest
from typing import Any
from urllib.parse import quote

from coatcheck.core.percent import decode
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal, Role
from coatcheck.signing import v1, v4
from coatcheck.wire.query import read_query
from coatcheck.wire.target import Target

from ..oss.house import NOW, OWNER, REGION, STRANGER, House

DATE, TIMESTAMP = "20260305", "20260305T070809Z"  # NOW
HTTP_DATE = "Thu, 05 Mar 2026 07:08:09 GMT"
SCOPE = v4.Scope(DATE, REGION)
HOME = OWNER.account
FORGER = AccessKey(OWNER.access_key_id, "not-the-secret", OWNER.account)  # knows the owner's key id


def a_user(name: str, *policies: str) -> AccessKey:
    """A user of the owner's account."""
    uid = f"{sum(map(ord, name)):018}"
    return AccessKey(f"{name}Key", f"{name}-secret", HOME, principal=Principal(uid, name, policies))


def a_policy(action: str | list[str], resource: str | list[str] = "*", effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


def objects(*prefixes: str, bucket: str = "photos") -> list[str]:
    """The objects of a bucket below prefixes, as a policy names them."""
    return [f"acs:oss:*:*:{bucket}/{prefix}*" for prefix in prefixes or ("",)]


async def a_house(*keys: AccessKey, roles: tuple[Role, ...] = (), acl: str = "private", **options: Any) -> House:
    """A server with one bucket, "photos", in which lies "secret.txt"."""
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, *keys, roles=list(roles)), **options)
    await house.with_bucket(acl=acl)
    await house.put("/photos/secret.txt", b"a secret")
    return house


async def set_policy(house: House, *statements: Mapping[str, Any], bucket: str = "photos") -> None:
    """Give a bucket a policy for everybody; statements say what differs."""
    resource = [f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"]
    whole = [{"Effect": "Allow", "Principal": ["*"], "Resource": resource, **statement} for statement in statements]
    answer = await house.ask("PUT", f"/{bucket}/?policy", json.dumps({"Version": "1", "Statement": whole}).encode())
    assert answer.status == 200, answer.body


def v4_link(
    address: str,
    method: str = "GET",
    *,
    by: AccessKey = OWNER,
    headers: Mapping[str, str] | None = None,
    scope: v4.Scope = SCOPE,
    timestamp: str = TIMESTAMP,
    expires: str = "3600",
) -> str:
    """An address with a V4 signature over whatever it says, sense or not."""
    path, _, query = address.partition("?")
    credential = quote(f"{by.access_key_id}/{scope}", safe="")
    own = (
        f"x-oss-signature-version={v4.ALGORITHM}&x-oss-credential={credential}"
        f"&x-oss-date={timestamp}&x-oss-expires={expires}"
    )
    whole = f"{query}&{own}" if query else own
    text = v4.canonical_request(
        method,
        v4.canonical_uri(target_of(path)),
        v4.canonical_query(read_query(whole.encode()).parameters),
        v4.canonical_headers(headers or {}),
        "",
        (headers or {}).get("x-oss-content-sha256", v4.UNSIGNED_PAYLOAD),
    )
    key = v4.signing_key(by.access_key_secret, scope)
    return f"{path}?{whole}&x-oss-signature={v4.sign(key, v4.string_to_sign(timestamp, scope, text))}"


def v1_link(address: str, method: str = "GET", *, by: AccessKey = OWNER, expires: int = NOW + 3600) -> str:
    """An address with a V1 signature."""
    path, _, query = address.partition("?")
    resource = v1.canonicalized_resource(target_of(path), read_query(query.encode()).parameters)
    signature = v1.sign(by.access_key_secret, v1.string_to_sign(method, {}, str(expires), resource))
    own = f"OSSAccessKeyId={by.access_key_id}&Expires={expires}&Signature={quote(signature, safe='')}"
    return f"{path}?{query}&{own}" if query else f"{path}?{own}"


def v1_headers(
    address: str, method: str = "GET", *, by: AccessKey = OWNER, headers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The headers of a request signed with V1. They are dated, unless the given ones are."""
    path, _, query = address.partition("?")
    sent = dict(headers or {})
    if "date" not in sent and "x-oss-date" not in sent:
        sent["date"] = HTTP_DATE
    resource = v1.canonicalized_resource(target_of(path), read_query(query.encode()).parameters)
    text = v1.string_to_sign(method, sent, sent.get("x-oss-date", sent.get("date", "")), resource)
    return {**sent, "authorization": f"OSS {by.access_key_id}:{v1.sign(by.access_key_secret, text)}"}


def v4_headers(
    address: str,
    method: str = "GET",
    *,
    by: AccessKey = OWNER,
    headers: Mapping[str, str] | None = None,
    timestamp: str = TIMESTAMP,
    scope: v4.Scope = SCOPE,
) -> dict[str, str]:
    """The headers of a request signed with V4, whatever they say."""
    path, _, query = address.partition("?")
    sent = {"x-oss-date": timestamp, "x-oss-content-sha256": v4.UNSIGNED_PAYLOAD, **(headers or {})}
    text = v4.canonical_request(
        method,
        v4.canonical_uri(target_of(path)),
        v4.canonical_query(read_query(query.encode()).parameters),
        v4.canonical_headers(sent),
        "",
        sent["x-oss-content-sha256"],
    )
    key = v4.signing_key(by.access_key_secret, scope)
    signature = v4.sign(key, v4.string_to_sign(timestamp, scope, text))
    return {**sent, "authorization": f"{v4.ALGORITHM} Credential={by.access_key_id}/{scope},Signature={signature}"}


def target_of(path: str) -> Target:
    bucket, _, key = path[1:].partition("/")
    return Target(bucket or None, decode(key) or None)


def hmac_sha256(secret: str, text: str) -> str:
    return b64encode(digest(secret.encode(), text.encode(), sha256)).decode()


def hmac_sha1(secret: str, text: str) -> str:
    return b64encode(digest(secret.encode(), text.encode(), sha1)).decode()
