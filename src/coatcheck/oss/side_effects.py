"""What a write asks for beside its content, by headers or form fields: an ACL, tags. Each needs a right of its own.

Source: OSS API reference, PutObject (tags need oss:PutObjectTagging); Block Public Access.
"""

from __future__ import annotations

from coatcheck.access.acl import refuse_public_acl
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide

from .context import Context


def check_side_effects(ctx: Context) -> None:
    """Raises: OssError PUBLIC_ACCESS_BLOCKED, or the refusal of `decide`."""
    bucket = ctx.bucket
    if bucket is None:
        return
    named = ctx.request.headers if ctx.form is None else ctx.form.form.fields
    if "x-oss-object-acl" in named:
        refuse_public_acl(named["x-oss-object-acl"], blocked=bucket.blocks_public_access)
    if "x-oss-tagging" in named and ctx.needs_object(bucket):
        decide(ctx.caller, Action.PUT_OBJECT_TAGGING, ctx.facts)
