"""CreateCnameToken, GetCnameToken, PutCname, ListCname, DeleteCname: own domains bound to a bucket.

Whoever binds a domain shows that it is theirs: the token is in a TXT record of `_dnsauth.DOMAIN`. The owner of the
server binds without that on its command line (`coatcheck domain add`), or switches the question off.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import find_switch, find_text, malformed, need_one
from coatcheck.core.errors import (
    CNAME_ALREADY_EXISTS,
    CNAME_DENIED,
    INVALID_ARGUMENT,
    NEED_VERIFY_DOMAIN_OWNERSHIP,
    NO_SUCH_BUCKET,
    NO_SUCH_CNAME_TOKEN,
    NOT_IMPLEMENTED,
    TOO_MANY_CNAME,
    TOO_MANY_CNAME_TOKEN,
)
from coatcheck.core.limits import DOMAIN_TOKEN_LIFE_S, DOMAINS_PER_BUCKET
from coatcheck.core.names import is_domain_name
from coatcheck.core.times import write_http_date, write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.ports.catalog import AlreadyThere, Gone, TooMany
from coatcheck.ports.domains import DomainToken, OtherCertificate
from coatcheck.wire.reply import Reply
from coatcheck.wire.target import is_own_name, make_addressing

from .arguments import read_document
from .call import Call
from .cname_certificate import read_change, refuse_other, write_certificate

ROOT: Final = "BucketCnameConfiguration"
_RECORD: Final = "_dnsauth"  # the label under which the TXT record is looked for


async def create_cname_token(call: Call) -> Reply:
    """CreateCnameToken: the same token again for as long as it is good."""
    domain = await _read_domain(call)
    fresh = DomainToken(domain, secrets.token_hex(16), int(call.now) + DOMAIN_TOKEN_LIFE_S)
    bucket = call.this_bucket
    try:
        token = await call.ports.domains.keep_token(bucket.bucket_id, fresh, now=int(call.now), most=DOMAINS_PER_BUCKET)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    except TooMany:
        raise TOO_MANY_CNAME_TOKEN(BucketName=bucket.name) from None
    return _token_reply(call, token)


async def get_cname_token(call: Call) -> Reply:
    """GetCnameToken."""
    domain = _check_domain(call, call.request.query.get("cname") or "")
    token = await call.ports.domains.find_token(call.this_bucket.bucket_id, domain, now=int(call.now))
    if token is None:
        raise NO_SUCH_CNAME_TOKEN(Cname=domain)
    return _token_reply(call, token)


async def put_cname(call: Call) -> Reply:
    """PutCname: bind a domain to the bucket, and change its certificate if that is asked for; fine if it is bound
    already. Whose it is comes before its certificate."""
    document = await read_document(call.request, ROOT)
    domain = _find_domain(call, document)
    bucket, domains = call.this_bucket, call.ports.domains
    bound_to = await domains.find_domain(domain)
    if bound_to not in (None, bucket.name):
        raise await _refuse_second(call, domain, bound_to)
    if bound_to is None:
        await _check_ownership(call, domain)
    change = await read_change(call, domain, document)
    try:
        await domains.bind_domain(domain, bucket.bucket_id, now=int(call.now), most=DOMAINS_PER_BUCKET, change=change)
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    except AlreadyThere:
        raise await _refuse_second(call, domain, await domains.find_domain(domain) or "") from None
    except TooMany:
        raise TOO_MANY_CNAME(BucketName=bucket.name) from None
    except OtherCertificate as other:
        raise refuse_other(str(other)) from None
    return Reply(200)


async def list_cname(call: Call) -> Reply:
    """ListCname."""
    bucket = call.this_bucket
    nodes: list[Node] = [("Bucket", bucket.name), ("Owner", bucket.owner)]
    for domain in await call.ports.domains.list_domains(bucket.bucket_id):
        certificate = write_certificate(call.ports.domains.look_for_certificate(domain.name))
        facts: Sequence[Node] = (("Domain", domain.name), ("LastModified", write_iso(domain.bound_at)))
        nodes.append(("Cname", (*facts, ("Status", "Enabled"), *certificate)))
    return _xml("ListCnameResult", nodes)


async def delete_cname(call: Call) -> Reply:
    """DeleteCname: also of a domain that isn't bound to the bucket."""
    domain = await _read_domain(call)
    with suppress(Gone):
        await call.ports.domains.unbind_domain(domain, call.this_bucket.bucket_id)
    return Reply(200)


async def _read_domain(call: Call) -> str:
    document = await read_document(call.request, ROOT)
    _refuse_certificate(document)
    return _find_domain(call, document)


def _find_domain(call: Call, document: Element) -> str:
    cname = need_one(document, "Cname")
    asked = (call.request.query.get("wildcard") or "").lower()
    if asked == "true" or find_switch(cname, "IsWildCard"):
        raise NOT_IMPLEMENTED("All names below a domain can't be bound at once: bind each.", Header="wildcard")
    text = find_text(cname, "Domain", trimmed=False)
    if text is None:
        raise malformed("Cname needs Domain.")
    return _check_domain(call, text)


def _refuse_certificate(document: Element) -> None:
    """Raises: OssError MALFORMED_XML."""
    if document.find("Cname/CertificateConfiguration") is not None:
        raise malformed("CertificateConfiguration is for PutCname.")


def _check_domain(call: Call, text: str) -> str:
    """The name in lower case. Raises: OssError INVALID_ARGUMENT, for one that can't be bound."""
    domain = text.lower()
    if not is_domain_name(domain):
        shown = text[:253].encode("unicode_escape").decode()
        raise INVALID_ARGUMENT("The domain is not a host name.", ArgumentName="Domain", ArgumentValue=shown)
    if is_own_name(domain, make_addressing(call.settings.regions, call.settings.domains)):
        raise INVALID_ARGUMENT(
            "This name has a meaning already: it is an endpoint of this server, or a bucket's name there.",
            ArgumentName="Domain",
            ArgumentValue=domain,
        )
    return domain


async def _refuse_second(call: Call, domain: str, bound_to: str) -> Exception:
    other = await call.ports.catalog.find_bucket(bound_to)
    theirs = other is not None and other.owner != call.this_bucket.owner
    return CNAME_DENIED(Cname=domain) if theirs else CNAME_ALREADY_EXISTS(Cname=domain)


async def _check_ownership(call: Call, domain: str) -> None:
    """Raises: OssError NEED_VERIFY_DOMAIN_OWNERSHIP."""
    if not call.settings.verify_domains:
        return
    token = await call.ports.domains.find_token(call.this_bucket.bucket_id, domain, now=int(call.now))
    if token is None or token.token not in await call.ports.resolver.find_texts(f"{_RECORD}.{domain}"):
        raise NEED_VERIFY_DOMAIN_OWNERSHIP(Cname=domain, Record=f"{_RECORD}.{domain}")


def _token_reply(call: Call, token: DomainToken) -> Reply:
    nodes: list[Node] = [
        ("Bucket", call.this_bucket.name),
        ("Cname", token.domain),
        ("Token", token.token),
        ("ExpireTime", write_http_date(token.expires_at)),
    ]
    return _xml("CnameToken", nodes)


def _xml(root: str, nodes: list[Node]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml(root, nodes))
