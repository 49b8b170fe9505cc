"""Which versions of TLS a bucket's clients may speak, and our own switch that refuses plain HTTP. Pure.

Which version of TLS a connection has is known of the server's own connections, and where a trusted proxy says so
(X-Forwarded-Tls-Version). Only what is known is judged.

Source: OSS API reference, PutBucketHttpsConfig, GetBucketHttpsConfig.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.xml import Node

from .elements import find_given_switch, find_one, find_texts, malformed, need_one, need_switch, texts, write_switch
from .stored import read_stored, write_stored

NAME: Final = "https"
ROOT: Final = "HttpsConfiguration"
SHAPE: Final = texts(
    TLS=texts("Enable", "TLSVersion"),
    CipherSuite=texts("CustomCipherSuite", "Enable", "StrongCipherSuite", "TLS13CustomCipherSuite"),
)

ONLY_NAME: Final = "https-only"  # whatever is stored under it: plain HTTP is refused
ONLY: Final = '{"v":1}'

TLS_VERSIONS: Final = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_SUITE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class CipherSuites(Struct, frozen=True):
    """Kept and shown; the server's own choice, all of them strong, stays as it is."""

    enabled: bool
    strong: bool | None = None
    custom: tuple[str, ...] = ()
    custom_tls13: tuple[str, ...] = ()


class HttpsConfig(Struct, frozen=True):
    """`versions` are the only ones allowed, while it is enabled."""

    enabled: bool = False
    versions: tuple[str, ...] = ()
    suites: CipherSuites | None = None

    def allows(self, version: str) -> bool:
        """Whether a connection may be of that version of TLS; "" for one that isn't known."""
        return not (self.enabled and version) or version in self.versions


def read(document: Element) -> HttpsConfig:
    """An HttpsConfiguration, checked. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    tls = need_one(document, "TLS")
    enabled, versions = need_switch(tls, "Enable"), find_texts(tls, "TLSVersion")
    if (enabled and not versions) or not set(versions) <= set(TLS_VERSIONS):
        raise malformed(f"TLSVersion must be one of {', '.join(TLS_VERSIONS)}.")
    suites = find_one(document, "CipherSuite")
    return HttpsConfig(enabled, tuple(dict.fromkeys(versions)), None if suites is None else _read_suites(suites))


def write(config: HttpsConfig) -> list[Node]:
    versions = (("TLSVersion", version) for version in config.versions)
    nodes: list[Node] = [("TLS", [("Enable", write_switch(config.enabled)), *versions])]
    return nodes if config.suites is None else [*nodes, ("CipherSuite", _suite_nodes(config.suites))]


def to_json(config: HttpsConfig) -> str:
    return write_stored(config)


@lru_cache(maxsize=256)
def from_json(text: str) -> HttpsConfig:
    return read_stored(HttpsConfig, text)


def _read_suites(element: Element) -> CipherSuites:
    enabled, strong = need_switch(element, "Enable"), find_given_switch(element, "StrongCipherSuite")
    custom, tls13 = (_read_names(element, name) for name in ("CustomCipherSuite", "TLS13CustomCipherSuite"))
    return CipherSuites(enabled, strong, custom, tls13)


def _read_names(element: Element, name: str) -> tuple[str, ...]:
    names = find_texts(element, name)
    if not all(text and _SUITE_CHARACTERS.issuperset(text) for text in names):
        raise INVALID_ARGUMENT(f"{name} is not a cipher suite.", ArgumentName=name)
    return names


def _suite_nodes(suites: CipherSuites) -> list[Node]:
    strong = [] if suites.strong is None else [("StrongCipherSuite", write_switch(suites.strong))]
    return [
        ("Enable", write_switch(suites.enabled)),
        *strong,
        *(("CustomCipherSuite", name) for name in suites.custom),
        *(("TLS13CustomCipherSuite", name) for name in suites.custom_tls13),
    ]
