"""The usual mistakes: why a link that somebody signed does not verify.

Each is undone in turn, and the one that fits is named. A mistake is a sentence, which says what to do, and the request
as it must have been when it was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final
from urllib.parse import quote, unquote

from msgspec.structs import replace

from coatcheck.wire.query import make_query
from coatcheck.wire.target import Target

from .attempt import (
    Attempt,
    Undone,
    content_type_signed_unsent,
    is_signed_by,
    other_method,
    signature_text,
    with_values,
)
from .s3_mistakes import undo_s3_mistakes
from .scheme import Claim
from .v1 import SUB_RESOURCES
from .v4 import is_always_signed
from .v4_scheme import V4Claim

CLOUD_REGIONS: Final = (  # of Alibaba Cloud, whose links these may be; ours have them by habit
    *("cn-hangzhou", "cn-shanghai", "cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-huhehaote", "cn-wulanchabu"),
    *("cn-shenzhen", "cn-heyuan", "cn-guangzhou", "cn-chengdu", "cn-hongkong", "cn-nanjing", "cn-fuzhou"),
    *("ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-3", "ap-southeast-5", "ap-southeast-6"),
    *("ap-southeast-7", "us-east-1", "us-west-1", "eu-central-1", "eu-west-1", "me-east-1", "me-central-1"),
)


def find_mistake(attempt: Attempt[Claim], others: tuple[Target, ...], secret: str) -> str | None:
    """The sentence of the first mistake whose undoing makes the signature match.

    Args:
        others: what else the address of the link may mean.
    """
    if secret.strip() != secret and is_signed_by(attempt, secret.strip()):
        return "The secret has a space or line break at its end; it was signed with the secret without it."
    for target in others:
        if is_signed_by(attempt._replace(target=target), secret):
            return (
                f"It was signed for bucket {target.bucket} and key {target.key}, but its address says otherwise: "
                "bucket in the host name and bucket in the path were mixed up. Check endpoint and path style."
            )
    for sentence, changed in undo_mistakes(attempt, CLOUD_REGIONS):
        if is_signed_by(changed, secret):
            return sentence
    return None


def undo_mistakes(attempt: Attempt[Claim], regions: Collection[str]) -> Iterator[Undone]:
    """The link as it is without each mistake; first those whose number doesn't depend on the link.

    Args:
        regions: for which it may have been signed.
    """
    if attempt.claim.scheme.dialect == "S3":
        yield from undo_s3_mistakes(attempt, regions)
        return
    for version, find in _MISTAKES:
        if version in (attempt.claim.scheme.version, _ANY):
            yield from find(attempt)
    if attempt.claim.scheme.version == "V4":
        yield from _region_written_otherwise(attempt, regions)
    yield from _parameter_added(attempt)


def _other_host(attempt: Attempt[Claim]) -> Iterator[Undone]:
    """Of a signer that signed the host by choice: the other ways of writing it, and of naming the bucket."""
    host, bucket = attempt.request.host, attempt.target.bucket or ""
    if "host" not in attempt.claim.additional_headers:
        return
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
    less = name.removeprefix(f"{bucket}.")
    region = attempt.claim.region
    cloud = [f"oss-{region}.aliyuncs.com", f"{bucket}.oss-{region}.aliyuncs.com"] if region else []
    names = (host.lower(), name, f"{name}:80", f"{name}:443", less, f"{bucket}.{name}", *cloud)
    ported = (f"{less}:{port}", f"{bucket}.{name}:{port}") if port else ()
    for other in dict.fromkeys((attempt.request.proxy_host, *names, *ported)):
        if other and other != host:
            changed = replace(attempt.request, headers={**attempt.request.headers, "host": other})
            yield (
                f"The signer signed the host as {other}, and it came with Host {host}: use it under that name, "
                "or sign it without the host.",
                attempt._replace(request=changed),
            )


def _headers_sent_unsigned(attempt: Attempt[Claim]) -> Iterator[Undone]:
    headers = attempt.request.headers
    signed = [name for name in headers if is_always_signed(name)]
    for name in signed:
        kept = {other: value for other, value in headers.items() if other != name}
        yield (
            f"{_title(name)} is sent but was not signed: don't send it, or sign the link with it.",
            attempt._replace(request=replace(attempt.request, headers=kept)),
        )
    if len(signed) > 1:
        kept = {name: value for name, value in headers.items() if name not in signed}
        names = ", ".join(_title(name) for name in signed)
        yield (
            f"{names} are sent but were not signed: don't send them, or sign the link with them.",
            attempt._replace(request=replace(attempt.request, headers=kept)),
        )


def _plus_and_space(attempt: Attempt[Claim]) -> Iterator[Undone]:
    key = attempt.target.key or ""
    if " " in key:
        yield (
            "A plus of the key arrived as a space: write it as %2B.",
            attempt._replace(target=attempt.target._replace(key=key.replace(" ", "+"))),
        )
    query = with_values(attempt.request.query, lambda value: value.replace(" ", "+"))
    if query != attempt.request.query:
        yield (
            "A '+' in the query was signed as a plus but is read as a space: write it as %2B.",
            attempt._replace(request=replace(attempt.request, query=query)),
        )
    query = with_values(attempt.request.query, lambda value: value.replace("+", " "))
    if query != attempt.request.query:
        yield (
            "A space in the query was turned into a plus: write it as %20.",
            attempt._replace(request=replace(attempt.request, query=query)),
        )


def _encoded_twice(attempt: Attempt[Claim]) -> Iterator[Undone]:
    target, query = attempt.target, attempt.request.query
    key = target.key or ""
    once = target._replace(key=unquote(key) or None)
    decoded = with_values(query, unquote)
    for changed, read in dict.fromkeys(((once, decoded), (once, query), (target, decoded))):
        if (changed, read) == (target, query):
            continue
        yield (
            "The link was percent-encoded twice (%25 where there was %): use it as the signer gave it.",
            attempt._replace(target=changed, request=replace(attempt.request, query=read)),
        )
    for encoded in {quote(key, safe="/"), quote(key, safe="")} - {key}:
        yield (
            "The signer signed the key in its encoded form; it must sign the plain key, and encode it in the URL only.",
            attempt._replace(target=target._replace(key=encoded)),
        )


def _parameter_added(attempt: Attempt[Claim]) -> Iterator[Undone]:
    parameters = attempt.request.query.parameters
    signing = ("x-oss-", "OSSAccessKeyId", "Expires", "Signature", "security-token")
    foreign = [name for name, _, _ in parameters if not name.startswith(signing)]
    choices = [[name] for name in dict.fromkeys(foreign)]
    for names in [*choices, foreign] if len(foreign) > 1 else choices:
        kept = tuple(parameter for parameter in parameters if parameter.name not in names)
        yield (
            f"Added to the link after it was signed: {', '.join(names)}. Take it away; every parameter is signed.",
            attempt._replace(request=replace(attempt.request, query=make_query(kept))),
        )


def _region_written_otherwise(attempt: Attempt[Any], regions: Collection[str]) -> Iterator[Undone]:
    claim: V4Claim = attempt.claim
    region = claim.scope.region
    named = {region.removeprefix("oss-"), f"oss-{region}", attempt.target.region or region, *regions} - {region}
    for other in sorted(named):
        scope = claim.scope._replace(region=other)
        yield (
            f"The key was derived for region {other} while the credential says {region}: use one region id for both.",
            attempt._replace(claim=claim._replace(scope=scope)),
        )
        credential = f"{claim.access_key_id}/{scope}"
        signed = replace(
            attempt.request,
            query=make_query(
                tuple(
                    p._replace(value=credential) if p.name == "x-oss-credential" else p
                    for p in attempt.request.query.parameters
                )
            ),
        )
        yield (
            f"The region of the credential was {other} when it was signed; now it is {region}. Sign it again.",
            attempt._replace(claim=claim._replace(scope=scope), request=signed),
        )


def _v1_of_python_v2(attempt: Attempt[Claim]) -> Iterator[Undone]:
    parameters = attempt.request.query.parameters
    kept = tuple(p for p in parameters if p.name in SUB_RESOURCES or not p.name.startswith("x-oss-"))
    if kept != parameters:
        yield (
            "The x-oss-* parameters are not signed (the V1 signer of alibabacloud-oss-v2 leaves them out): use V4.",
            attempt._replace(request=replace(attempt.request, query=make_query(kept))),
        )


def _derived_for_another_day(attempt: Attempt[V4Claim]) -> Iterator[Undone]:
    """The day of the scope is that of the signer's own zone: the key was derived for the neighbouring day."""
    claim = attempt.claim
    day = int(claim.scope.date)
    for other in (day - 1, day + 1):
        yield (
            f"The key was derived for the day {other}, but x-oss-date is {claim.scope.date}: use the UTC day in both.",
            attempt._replace(claim=claim._replace(scope=claim.scope._replace(date=f"{other:08d}"))),
        )


_ANY: Final = ""
_MISTAKES: Final[tuple[tuple[str, Callable[[Attempt[Any]], Iterator[Undone]]], ...]] = (  # version, what undoes it
    ("V4", signature_text),
    (_ANY, other_method),
    (_ANY, _other_host),
    (_ANY, _headers_sent_unsigned),
    (_ANY, content_type_signed_unsent),
    (_ANY, _plus_and_space),
    (_ANY, _encoded_twice),
    ("V4", _derived_for_another_day),
    ("V1", _v1_of_python_v2),
)


def _title(name: str) -> str:
    return name if name.startswith("x-oss-") else name.title().replace("Md5", "MD5")
