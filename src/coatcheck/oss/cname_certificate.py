"""The certificate that PutCname gives to an own domain, and what ListCname shows of it.

Source: OSS API reference, PutCname, ListCname; its pages on the errors 0018-00000204, 0018-00000209, 0018-00000210.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import find_one, find_text, need_one
from coatcheck.core.errors import CERTIFICATE_INVALID_CAS_ID, INVALID_ARGUMENT, OssError
from coatcheck.core.times import write_http_date
from coatcheck.core.xml import Node
from coatcheck.ports.certificates import BadPair, CertificateFacts
from coatcheck.ports.domains import CertificateChange, DomainCertificate

from .call import Call

_ELEMENT: Final = "CertificateConfiguration"
_ID: Final = re.compile(r"[\w.\-]{1,64}", re.ASCII)


async def read_change(call: Call, domain: str, document: Element) -> CertificateChange | None:
    """What the document says of the domain's certificate; None if nothing.

    Raises: OssError INVALID_ARGUMENT, CERTIFICATE_INVALID_CAS_ID.
    """
    element = find_one(need_one(document, "Cname"), _ELEMENT)
    if element is None or not len(element):
        return None
    chain, key, cert_id = (_read_text(element, name) for name in ("Certificate", "PrivateKey", "CertId"))
    if _read_flag(element, "DeleteCertificate"):
        if chain or key:
            raise _bad("A certificate is either given or deleted.", "DeleteCertificate")
        return CertificateChange(None)
    if not chain and not key:
        raise CERTIFICATE_INVALID_CAS_ID()
    if not chain or not key:
        raise _bad("Certificate and PrivateKey are given together.", "PrivateKey" if chain else "Certificate")
    replaces = _read_replaced(element)
    try:
        facts = await call.ports.certificates.read(chain, key)
    except BadPair as error:
        raise _bad(str(error), "CertificateConfiguration") from None
    check_facts(facts, domain, call.now)
    kept_as = cert_id or f"{facts.fingerprint.replace(':', '')[:12].lower()}-{call.this_bucket.region}"
    if not _ID.fullmatch(kept_as):
        raise _bad("CertId is up to 64 letters, digits, dots, underscores and hyphens.", "CertId")
    made = (int(call.now), facts.fingerprint, facts.valid_from, facts.valid_until)
    return CertificateChange(DomainCertificate(kept_as, chain, key, *made), replaces)


def check_facts(facts: CertificateFacts, domain: str, now: float) -> None:
    """Whether HTTPS would work under the domain with it. Raises: OssError INVALID_ARGUMENT."""
    wildcard = "*." + domain.partition(".")[2]
    if domain not in facts.names and wildcard not in facts.names:
        raise _bad(f"The certificate is not for {domain}: its alternative names do not have it.", "Certificate")
    if now >= facts.valid_until:
        raise _bad(f"The certificate has ended on {write_http_date(facts.valid_until)}.", "Certificate")
    if now < facts.valid_from:
        raise _bad(f"The certificate begins only on {write_http_date(facts.valid_from)}.", "Certificate")


def write_certificate(certificate: DomainCertificate | None) -> Sequence[Node]:
    """What ListCname shows: nothing of the key."""
    if certificate is None:
        return ()
    facts: Sequence[Node] = (
        ("Type", "Upload"),
        ("CertId", certificate.cert_id),
        ("Status", "Enabled"),
        ("CreationDate", write_http_date(certificate.created_at)),
        ("Fingerprint", certificate.fingerprint),
        ("ValidStartDate", write_http_date(certificate.valid_from)),
        ("ValidEndDate", write_http_date(certificate.valid_until)),
    )
    return (("Certificate", facts),)


def refuse_other(found: str) -> OssError:
    """The id that the domain's certificate has is another one than was to be replaced."""
    has = f"its certificate is {found}" if found else "it has none"
    return _bad(f"PreviousCertId names another certificate than the domain has: {has}.", "PreviousCertId")


def _read_replaced(element: Element) -> str | None:
    """PreviousCertId; None with Force, which asks for no such thing. Raises: OssError INVALID_ARGUMENT."""
    if _read_flag(element, "Force"):
        return None
    previous = _read_text(element, "PreviousCertId")
    if not previous:
        raise _bad("A certificate is put in place with PreviousCertId, or with Force true.", "Force")
    return previous


def _read_text(element: Element, name: str) -> str:
    return find_text(element, name) or ""


def _read_flag(element: Element, name: str) -> bool:
    """Raises: OssError INVALID_ARGUMENT."""
    text = _read_text(element, name).lower()
    if text not in ("", "true", "false"):
        raise _bad(f"{name} must be true or false.", name)
    return text == "true"


def _bad(message: str, name: str) -> OssError:
    """No value is repeated: it might be a key."""
    return INVALID_ARGUMENT(message, ArgumentName=name)
