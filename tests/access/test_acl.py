from __future__ import annotations

import pytest

from coatcheck.access.acl import read_bucket_acl, read_object_acl
from coatcheck.core.errors import INVALID_ARGUMENT, OssError


@pytest.mark.parametrize("text", ["private", "public-read", "public-read-write"])
def test_the_acls_of_buckets(text: str) -> None:
    assert read_bucket_acl(text) == read_object_acl(text) == text


def test_only_objects_leave_it_to_their_bucket() -> None:
    assert read_object_acl("default") == "default"
    with pytest.raises(OssError) as refusal:
        read_bucket_acl("default")
    assert refusal.value.fault is INVALID_ARGUMENT
    assert refusal.value.message == "no such bucket access control exists"


@pytest.mark.parametrize("text", ["", "Private", "public", "public-read ", "authenticated-read"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(OssError) as of_bucket:
        read_bucket_acl(text)
    with pytest.raises(OssError) as of_object:
        read_object_acl(text)
    assert of_bucket.value.facts == {"ArgumentName": "x-oss-acl", "ArgumentValue": text}
    assert of_object.value.facts == {"ArgumentName": "x-oss-object-acl", "ArgumentValue": text}
