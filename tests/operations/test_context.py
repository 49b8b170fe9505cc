"""Deciding again: an operation that touches more than the address it was decided for."""

from __future__ import annotations

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.operations.context import Context, Ports

from ..oss.house import NOW, OWNER, House

OWNED = Caller(OWNER.account, OWNER.access_key_id)


async def a_context(caller: Caller) -> Context:
    house = await House().with_bucket("mine", acl="public-read-write")
    await house.with_bucket("other")
    await house.put("/other/open", headers={"x-oss-object-acl": "public-read"})
    return Context(Ports(house.catalog, house.encrypting), caller, float(NOW))


async def test_the_right_to_write_here_is_no_right_to_read_there() -> None:
    ctx = await a_context(ANONYMOUS)
    other = await ctx.ports.catalog.find_bucket("other")
    assert other is not None
    assert ctx.needs_object(other)
    found = await ctx.ports.catalog.find_object(other.bucket_id, "open")
    assert ctx.decide(Action.GET_OBJECT, other, "open", found).action is Action.GET_OBJECT
    with pytest.raises(OssError) as refusal:
        ctx.decide(Action.GET_OBJECT, other, "missing")
    assert (refusal.value.status, refusal.value.code) == (403, "AccessDenied")


async def test_the_owner_of_both_needs_no_look_at_the_object() -> None:
    ctx = await a_context(OWNED)
    other = await ctx.ports.catalog.find_bucket("other")
    assert other is not None
    assert not ctx.needs_object(other)
    assert ctx.decide(Action.GET_OBJECT, other, "missing").action is Action.GET_OBJECT
