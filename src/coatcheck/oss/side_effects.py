"""What a write asks for beside its content, by headers or form fields: an ACL, tags. Each needs a right of its own.

Source: OSS API reference, PutObject (tags need oss:PutObjectTagging); Block Public Access.
"""

from __future__ import annotations

from coatcheck.access.acl import OBJECT_ACLS, refuse_public_acl
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide

from .call import Call


def check_side_effects(call: Call) -> None:
    """Raises: OssError PUBLIC_ACCESS_BLOCKED, or the refusal of `decide`."""
    bucket = call.bucket
    if bucket is None:
        return
    named = call.request.headers if call.form is None else call.form.form.fields
    acl = named.get("x-oss-object-acl")
    if acl in OBJECT_ACLS:  # another one is refused by who reads it
        refuse_public_acl(acl, blocked=call.facts.refuses_public_acls)
    if "x-oss-tagging" in named and call.context.needs_object(bucket):
        decide(call.caller, Action.PUT_OBJECT_TAGGING, call.facts)
