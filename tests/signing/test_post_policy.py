from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coatcheck import Presigner
from coatcheck.core.errors import OssError
from coatcheck.signing.claim import read_form_claim
from coatcheck.signing.post_policy import check_post_policy, read_post_policy
from coatcheck.signing.verify import verify_form
from coatcheck.wire.target import Target

from .builders import check_all

VECTORS = json.loads((Path(__file__).parent / "vectors" / "signing-vectors.json").read_text())
NOW = VECTORS["frozen_epoch"]
POSTS = [vector for vector in VECTORS["vectors"] if vector["kind"] == "post-policy"]


def form_of(vector: dict[str, Any]) -> dict[str, str]:
    """The fields, as a server has them after it has read the form and knows where the file goes."""
    form = {name.lower(): value for name, value in vector["output"]["form"].items()}
    return form | {"bucket": "examplebucket", "content-type": "image/png", "success_action_status": "200"}


def test_every_vector_was_found() -> None:
    assert len(POSTS) == 5


@pytest.mark.parametrize("vector", POSTS, ids=lambda vector: vector["id"])
def test_forms_that_official_sdks_sign_verify(vector: dict[str, Any]) -> None:
    fields, given = form_of(vector), VECTORS["credentials"][vector["credentials"]]
    claim = read_form_claim(fields)
    assert claim is not None
    assert claim.access_key_id == given["access_key_id"]
    assert claim.security_token == given["security_token"]
    check_all(claim, now=NOW, regions=("cn-hangzhou",), target=Target())
    verify_form(claim, given["access_key_secret"])
    check_post_policy(read_post_policy(claim.policy), fields, now=NOW)


@pytest.mark.parametrize("vector", POSTS, ids=lambda vector: vector["id"])
def test_a_changed_policy_does_not_verify(vector: dict[str, Any]) -> None:
    fields, given = form_of(vector), VECTORS["credentials"][vector["credentials"]]
    claim = read_form_claim(fields | {"policy": "A" + fields["policy"][1:]})
    assert claim is not None
    with pytest.raises(OssError) as refused:
        verify_form(claim, given["access_key_secret"])
    assert refused.value.code == "SignatureDoesNotMatch"
    assert refused.value.facts["StringToSign"] == claim.policy


def test_what_the_presigner_makes_verifies_and_is_bound_to_its_fields() -> None:
    presigner = Presigner("KeyId", "a-secret", region="cn-hangzhou", endpoint="http://127.0.0.1:8000")
    made = presigner.post_form("photos", "user/${filename}", fields={"x-oss-meta-a": "b"}, max_bytes=5, now=NOW)
    assert made.url == "http://127.0.0.1:8000/photos/"
    assert made.expires_at_s == NOW + 3600
    assert "signature" not in repr(made).lower()
    fields = {name.lower(): value for name, value in made.fields.items()} | {"bucket": "photos"}
    claim = read_form_claim(fields)
    assert claim is not None
    verify_form(claim, "a-secret")
    policy = read_post_policy(claim.policy)
    assert policy.sizes == ((0, 5),)
    check_post_policy(policy, fields, now=NOW + 3600)
    for name, value in {"bucket": "other", "key": "other/a", "x-oss-meta-a": "c"}.items():
        with pytest.raises(OssError) as refused:
            check_post_policy(policy, fields | {name: value}, now=NOW)
        assert refused.value.code == "AccessDenied"
