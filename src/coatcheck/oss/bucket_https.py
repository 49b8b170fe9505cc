"""PutBucketHttpsConfig, GetBucketHttpsConfig, and our own switch that refuses plain HTTP.

Which version of TLS a connection has is known of the server's own connections, and where a trusted proxy says so
(X-Forwarded-Tls-Version). Only what is known is judged.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import HTTPS_REQUIRED, INVALID_ARGUMENT, MALFORMED_XML, TLS_VERSION_NOT_ALLOWED
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .arguments import read_document
from .call import Call
from .settings_kept import keep_setting

ROOT: Final = "HttpsConfiguration"
SETTING: Final = "https"
ONLY_SETTING: Final = "https-only"  # any document: plain HTTP is refused

TLS_VERSIONS: Final = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_SUITE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


async def put_bucket_https_config(call: Call) -> Reply:
    """PutBucketHttpsConfig."""
    document = await read_document(call.request, ROOT)
    await keep_setting(call, SETTING, write_xml(ROOT, read_config(document)).decode())
    return Reply(200)


async def get_bucket_https_config(call: Call) -> Reply:
    """GetBucketHttpsConfig: off where nothing was ever set."""
    document = call.this_bucket.setting(SETTING)
    body = write_xml(ROOT, [("TLS", (("Enable", "false"),))]) if document is None else document.encode()
    return Reply(200, ((b"Content-Type", b"application/xml"),), body)


def check_tls_version(document: str, request: Request) -> None:
    """Judge a request by the stored configuration. Raises: OssError TLS_VERSION_NOT_ALLOWED."""
    allowed, used = allowed_versions(document), request.tls_version
    if allowed and used and used not in allowed:
        raise TLS_VERSION_NOT_ALLOWED(TLSVersion=used)


def check_https(request: Request) -> None:
    """Raises: OssError HTTPS_REQUIRED."""
    if not request.secure:
        raise HTTPS_REQUIRED()


@lru_cache(maxsize=256)
def allowed_versions(text: str) -> frozenset[str]:
    """The versions a stored configuration demands; none if it is off."""
    tls = read_xml(text.encode(), ROOT).find("TLS")
    if tls is None or tls.findtext("Enable") != "true":
        return frozenset()
    return frozenset(version.text or "" for version in tls.findall("TLSVersion"))


def read_config(document: Element) -> list[Node]:
    """An HttpsConfiguration, checked, as it will be shown. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    tls = document.find("TLS")
    if tls is None:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} TLS is missing.")
    enabled = _read_enable(tls)
    versions = [version.text or "" for version in tls.findall("TLSVersion")]
    if (enabled and not versions) or not set(versions) <= set(TLS_VERSIONS):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} TLSVersion must be one of {', '.join(TLS_VERSIONS)}.")
    nodes: list[Node] = [
        ("TLS", [("Enable", _write(enabled)), *(("TLSVersion", version) for version in dict.fromkeys(versions))])
    ]
    suites = document.find("CipherSuite")
    return nodes if suites is None else [*nodes, ("CipherSuite", _read_suites(suites))]


def _read_suites(suites: Element) -> list[Node]:
    """Cipher suites are kept and shown; the server's own choice, all of them strong, stays as it is."""
    nodes: list[Node] = [("Enable", _write(_read_enable(suites)))]
    strong = suites.findtext("StrongCipherSuite")
    if strong is not None:
        nodes.append(("StrongCipherSuite", _write(_read_switch(strong, "StrongCipherSuite"))))
    for name in ("CustomCipherSuite", "TLS13CustomCipherSuite"):
        for element in suites.findall(name):
            text = element.text or ""
            if not text or not _SUITE_CHARACTERS.issuperset(text):
                raise INVALID_ARGUMENT(f"{name} is not a cipher suite.", ArgumentName=name)
            nodes.append((name, text))
    return nodes


def _read_enable(element: Element) -> bool:
    return _read_switch(element.findtext("Enable") or "", "Enable")


def _read_switch(text: str, name: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} {name} must be true or false.")
    return text.lower() == "true"


def _write(value: bool) -> str:
    return "true" if value else "false"
