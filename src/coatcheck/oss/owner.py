"""The Owner and ACL elements that several replies share. DisplayName equals ID, as it does on OSS in practice."""

from __future__ import annotations

from coatcheck.core.xml import Node, write_xml
from coatcheck.wire.reply import RawHeader, Reply


def owner_node(uid: str) -> Node:
    """Both children are always there: ali-oss and oss2 dereference them."""
    return ("Owner", (("ID", uid), ("DisplayName", uid)))


def acl_node(acl: str) -> Node:
    return ("AccessControlList", (("Grant", acl),))


def acl_reply(owner: str, acl: str, headers: tuple[RawHeader, ...] = ()) -> Reply:
    document = write_xml("AccessControlPolicy", (owner_node(owner), acl_node(acl)))
    return Reply(200, ((b"Content-Type", b"application/xml"), *headers), document)
