"""What a routing rule of a website says of the server that missing objects are fetched from. Pure.

Source: OSS API reference, PutBucketWebsite, the elements Mirror*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT, NOT_IMPLEMENTED, OssError
from coatcheck.core.limits import FETCH_URL_MAX_BYTES, MIRROR_ALTERNATES_MAX, MIRROR_HEADERS_MAX
from coatcheck.core.percent import encode_path
from coatcheck.core.reply_headers import is_token
from coatcheck.core.urls import find_host
from coatcheck.core.xml import Node

from .elements import (
    ANYTHING,
    find_given_switch,
    find_number,
    find_one,
    find_text,
    find_texts,
    malformed,
    need_text,
    texts,
    write_switch,
)
from .elements import find_switch as switch

_NETWORKS: Final = "There are no networks of a cloud here: the address is reached as it is."
_ROLES: Final = "There is no cloud to assume a role of: the other server has to give the object to whoever asks."

# Refused unless they ask for nothing, and why.
_REFUSED: Final = {
    "MirrorAllowGetImageInfo": "What is asked of a picture that isn't there doesn't fetch it.",
    "MirrorAllowVideoSnapshot": "Videos aren't processed.",
    "MirrorAsyncStatus": "A mirror answers with the object.",
    "MirrorAuth": "No key of another server is kept: it has to give the object to whoever asks.",
    "MirrorDstRegion": _NETWORKS,
    "MirrorDstSlaveVpcId": _NETWORKS,
    "MirrorDstVpcId": _NETWORKS,
    "MirrorIsExpressTunnel": _NETWORKS,
    "MirrorProxyPass": "What is fetched is stored: a proxy in front of both servers passes on without storing.",
    "MirrorReturnHeaders": "The object's headers are those that it is stored with.",
    "MirrorRole": _ROLES,
    "MirrorTaggings": "Tags are given by PutObjectTagging once the object is there.",
    "MirrorTunnelId": _NETWORKS,
    "MirrorUsingRole": _ROLES,
}
_REFUSED_OF_ALTERNATES: Final = ("MirrorMultiAlternateVpcId", "MirrorMultiAlternateDstRegion")
_TEXTS: Final = (
    *("MirrorURL", "MirrorURLSlave", "MirrorURLProbe", "MirrorPassQueryString", "MirrorFollowRedirect"),
    *("MirrorCheckMd5", "MirrorSNI", "MirrorPassOriginalSlashes", "MirrorSaveOssMeta", "MirrorUserLastModified"),
    *("MirrorAllowHeadObject", "MirrorSwitchAllErrors", "TransparentMirrorResponseCodes"),
)
CHILDREN: Final = {
    **texts(*_TEXTS).children,
    **dict.fromkeys(_REFUSED, ANYTHING),
    "MirrorHeaders": texts("PassAll", "Pass", "Remove", Set=texts("Key", "Value")),
    "MirrorMultiAlternates": texts(
        MirrorMultiAlternate=texts(
            *("MirrorMultiAlternateNumber", "MirrorMultiAlternateURL", *_REFUSED_OF_ALTERNATES),
        )
    ),
}

# What no rule passes on or sets: it concerns this server, this connection, or the length and form of the answer.
_KEPT_BACK: Final = frozenset(
    {
        *("accept-encoding", "authorization", "authorization2", "cdn-loop", "connection", "content-length"),
        *("content-md5", "content-type", "date", "expect", "host", "if-match", "if-modified-since", "if-none-match"),
        *("if-range", "if-unmodified-since", "keep-alive", "range", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "via", "forwarded"),
    }
)
_KEPT_BACK_BEGINNINGS: Final = ("oss-", "x-oss-", "x-drs-", "proxy-", "x-forwarded-")


class Mirror(Struct, frozen=True):
    """One rule's.

    Attributes:
        url, slave: begin the addresses of objects; the second is asked where the first fails, "" for none.
        alternates: numbers and more such addresses, asked in the order of their numbers where those fail.
        shown: statuses from 400 on with which an answer is the client's, as it is.
        probe: kept and shown; the first is asked itself.
        pass_query: None for what the rule says of all redirects.
        metadata: x-oss-meta-* headers of the answer are stored.
        last_modified: the answer's is the object's.
        head: HeadObject fetches, too.
        all_errors: of `url`, any answer but 200 and 404 is a failure; else those from 500 on.
        sni, slashes: kept and shown; the name is always sent, and keys are passed as they are.
        pass_all, passed, removed, set_headers: which headers of a request are passed on, names in lower case.
    """

    url: str
    slave: str = ""
    probe: str = ""
    pass_query: bool | None = None
    follow_redirect: bool = True
    check_md5: bool = False
    metadata: bool = False
    last_modified: bool = False
    head: bool = False
    all_errors: bool = False
    sni: bool | None = None
    slashes: bool | None = None
    pass_all: bool = False
    passed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, str], ...] = ()
    alternates: tuple[tuple[int, str], ...] = ()
    shown: tuple[int, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """In the order in which they are asked."""
        named = (self.url, self.slave) if self.slave else (self.url,)
        return (*named, *(url for _, url in sorted(self.alternates)))

    def headers_for(self, request: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What the other server is told of a request's headers, whose names are in lower case; never a credential of
        this server."""
        passed = {name: value for name, value in request.items() if self._passes(name) and _is_plain(value)}
        return tuple({**passed, **dict(self.set_headers)}.items())

    def _passes(self, name: str) -> bool:
        return (self.pass_all or name in self.passed) and name not in self.removed and may_pass(name)


def address(url: str, key: str, query: str) -> str:
    """The address of an object, behind one of `Mirror.urls`."""
    return f"{url}{encode_path(key)}{'?' if query else ''}{query}"


def may_pass(name: str) -> bool:
    """Whether a header, in lower case, may be passed on or set."""
    return is_token(name) and name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_BEGINNINGS)


def read_mirror(redirect: Element) -> Mirror:
    """The Mirror* elements of a Redirect. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT, NOT_IMPLEMENTED."""
    for name, why in _REFUSED.items():
        _need_nothing(redirect, name, why)
    follow = find_given_switch(redirect, "MirrorFollowRedirect")
    headers = find_one(redirect, "MirrorHeaders")
    slave = find_text(redirect, "MirrorURLSlave") or ""
    return Mirror(
        _check_url("MirrorURL", need_text(redirect, "MirrorURL")),
        _check_url("MirrorURLSlave", slave) if slave else "",
        find_text(redirect, "MirrorURLProbe") or "",
        find_given_switch(redirect, "MirrorPassQueryString"),
        True if follow is None else follow,
        switch(redirect, "MirrorCheckMd5"),
        switch(redirect, "MirrorSaveOssMeta"),
        switch(redirect, "MirrorUserLastModified"),
        switch(redirect, "MirrorAllowHeadObject"),
        switch(redirect, "MirrorSwitchAllErrors"),
        find_given_switch(redirect, "MirrorSNI"),
        find_given_switch(redirect, "MirrorPassOriginalSlashes"),
        *((False, (), (), ()) if headers is None else _read_headers(headers)),
        _read_alternates(redirect),
        _read_statuses(find_text(redirect, "TransparentMirrorResponseCodes") or ""),
    )


def mirror_nodes(mirror: Mirror) -> Iterator[Node]:
    yield "MirrorURL", mirror.url
    for name, text in (("MirrorURLSlave", mirror.slave), ("MirrorURLProbe", mirror.probe)):
        if text:
            yield name, text
    for name, value in (
        ("MirrorPassQueryString", mirror.pass_query),
        ("MirrorFollowRedirect", mirror.follow_redirect),
        ("MirrorCheckMd5", mirror.check_md5),
        ("MirrorSaveOssMeta", mirror.metadata),
        ("MirrorUserLastModified", mirror.last_modified),
        ("MirrorAllowHeadObject", mirror.head),
        ("MirrorSwitchAllErrors", mirror.all_errors),
        ("MirrorSNI", mirror.sni),
        ("MirrorPassOriginalSlashes", mirror.slashes),
    ):
        if value is not None:
            yield name, write_switch(value)
    sets: list[Node] = [("Set", (("Key", name), ("Value", value))) for name, value in mirror.set_headers]
    named: list[Node] = [*(("Pass", name) for name in mirror.passed), *(("Remove", name) for name in mirror.removed)]
    if mirror.pass_all or named or sets:
        yield "MirrorHeaders", (("PassAll", write_switch(mirror.pass_all)), *named, *sets)
    if mirror.alternates:
        yield (
            "MirrorMultiAlternates",
            tuple(
                ("MirrorMultiAlternate", (("MirrorMultiAlternateNumber", number), ("MirrorMultiAlternateURL", url)))
                for number, url in mirror.alternates
            ),
        )
    if mirror.shown:
        yield "TransparentMirrorResponseCodes", ",".join(map(str, mirror.shown))


def _need_nothing(parent: Element, name: str, why: str) -> None:
    """Raises: OssError NOT_IMPLEMENTED, if the element asks for something."""
    found = find_one(parent, name)
    if found is not None and (len(found) or (found.text or "").strip().lower() not in ("", "false", "0")):
        raise NOT_IMPLEMENTED(f"{name} is not built. {why}", Header=name)


def _read_alternates(redirect: Element) -> tuple[tuple[int, str], ...]:
    listed = find_one(redirect, "MirrorMultiAlternates")
    elements = () if listed is None else listed.findall("MirrorMultiAlternate")
    if len(elements) > MIRROR_ALTERNATES_MAX:
        raise _bad(f"There may be {MIRROR_ALTERNATES_MAX} MirrorMultiAlternate.", "MirrorMultiAlternates", "")
    alternates = tuple(map(_read_alternate, elements))
    if len(dict(alternates)) < len(alternates):
        raise _bad("Two have one number.", "MirrorMultiAlternateNumber", "")
    return alternates


def _read_alternate(element: Element) -> tuple[int, str]:
    for name in _REFUSED_OF_ALTERNATES:
        _need_nothing(element, name, _NETWORKS)
    number = find_number(element, "MirrorMultiAlternateNumber", least=1)
    if number is None:
        raise malformed("MirrorMultiAlternateNumber is missing.")
    return number, _check_url("MirrorMultiAlternateURL", need_text(element, "MirrorMultiAlternateURL"))


def _read_statuses(text: str) -> tuple[int, ...]:
    pieces = [piece.strip() for piece in text.split(",")] if text.strip() else []
    if not all(_STATUS.fullmatch(piece) for piece in pieces):
        raise _bad("Statuses from 400 to 599, with commas.", "TransparentMirrorResponseCodes", text)
    return tuple(dict.fromkeys(map(int, pieces)))


_STATUS: Final = re.compile("[45][0-9]{2}")


_Headers = tuple[bool, tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]


def _read_headers(element: Element) -> _Headers:
    passed, removed = (tuple(map(_read_name, find_texts(element, name))) for name in ("Pass", "Remove"))
    chosen = tuple(_read_set(each) for each in element.findall("Set"))
    if max(map(len, (passed, removed, chosen))) > MIRROR_HEADERS_MAX:
        raise _bad(f"There may be {MIRROR_HEADERS_MAX} Pass, Remove and Set, each.", "MirrorHeaders", "")
    return switch(element, "PassAll"), passed, removed, chosen


def _read_set(element: Element) -> tuple[str, str]:
    value = find_text(element, "Value") or ""
    if not _is_plain(value):
        raise _bad("Value must be printable ASCII.", "Value", "")
    return _read_name(need_text(element, "Key")), value


def _read_name(text: str) -> str:
    name = text.strip().lower()
    if not name:
        raise malformed("The name of a header is empty.")
    if not may_pass(name):
        raise _bad("This header can be neither passed on nor set.", "MirrorHeaders", name)
    return name


def _check_url(name: str, url: str) -> str:
    if len(url) > FETCH_URL_MAX_BYTES or find_host(url) is None or not url.endswith("/") or {"?", "#"} & set(url):
        raise _bad(f"{name} must be an address of http or https that ends with a slash.", name, url)
    return url


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
