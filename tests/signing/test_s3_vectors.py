"""Every recorded request of botocore is accepted, and every good one with one change refused for what was changed."""

from __future__ import annotations

import asyncio

import pytest

from coatcheck.core.errors import OssError
from coatcheck.signing.aws_sts_scheme import read_aws_sts_claim
from coatcheck.signing.post_policy import check_post_policy, read_post_policy
from coatcheck.signing.s3_chunks import checks_of
from coatcheck.signing.s3_form_scheme import check_covered, read_s3_form_claim
from coatcheck.signing.s3_schemes import read_s3_claim
from coatcheck.signing.s3_v4_scheme import STREAMING, S3V4Claim
from coatcheck.signing.verify import signed_text, verify, verify_form
from coatcheck.wire.aws_chunked import decoded_chunks, read_announced
from coatcheck.wire.target import Target

from ..each import each
from .builders import BUCKET, NOW, REGION, Vector, check_all
from .s3_builders import SECRETS, arrived, body_of, form_fields, s3_refusals, s3_vectors

SPOKEN = s3_vectors("header", "query", "chunked", "v2-query", "v2-header")


def by_id(vector: Vector) -> str:
    return str(vector["id"])


def accept(vector: Vector, now: float = NOW) -> bytes | None:
    """The decoded body, where it is one of chunks. Raises: OssError."""
    request, target = arrived(vector)
    claim = read_s3_claim(request)
    assert claim is not None
    check_all(claim, now=now, regions={REGION}, target=target)
    secret = SECRETS[claim.access_key_id]
    verify(claim, request, target, secret)
    if not isinstance(claim, S3V4Claim) or claim.payload_line not in STREAMING:
        return None
    return asyncio.run(_decode(request, claim, secret))


async def _decode(request: object, claim: S3V4Claim, secret: str) -> bytes:
    headers = request.headers  # type: ignore[attr-defined]
    length = int(headers["x-amz-decoded-content-length"])
    body, checks = request.body, checks_of(claim, secret)  # type: ignore[attr-defined]
    chunks = decoded_chunks(body, checks, read_announced(headers), length, {})
    return b"".join([chunk async for chunk in chunks])


@each(SPOKEN, name=by_id)
def test_what_botocore_signed_is_accepted(vector: Vector) -> None:
    decoded = accept(vector)
    if "decoded_body" in vector:
        assert decoded == vector["decoded_body"].encode("latin-1")


@each(SPOKEN, name=by_id)
def test_the_texts_are_those_that_botocore_signed(vector: Vector) -> None:
    request, target = arrived(vector)
    claim = read_s3_claim(request)
    assert claim is not None
    text = signed_text(claim, request, target)
    assert text.string_to_sign == vector["string_to_sign"]
    assert text.canonical_request == vector["canonical_request"]


@each(s3_vectors("post"), name=by_id)
def test_a_form_of_botocore_is_accepted(vector: Vector) -> None:
    fields = form_fields(vector)
    take_form(fields)
    assert fields["policy"] == vector["string_to_sign"]


@each(s3_vectors("post"), name=by_id)
def test_a_form_of_botocore_with_one_change_is_refused(vector: Vector) -> None:
    """Its policy, its signature, and each field, changed, taken away where it is a part of the signature, or added."""
    fields = form_fields(vector)
    signing = "x-amz-signature" if "x-amz-signature" in fields else "signature"
    changes = [{name: f"{fields[name][:-2]}AA"} for name in ("policy", signing)]
    changes += [{"key": "elsewhere/a"}, {"bucket": "another"}, {"x-amz-meta-more": "1"}, {"acl": "public-read-write"}]
    changes += [{name: ""} for name in fields if name.startswith(("x-amz-", "awsaccess")) and "meta" not in name]
    for change in changes:
        with pytest.raises(OssError) as caught:
            take_form(fields | change)
        assert caught.value.code in {
            "AccessDenied",
            "SignatureDoesNotMatch",
            "InvalidArgument",
            "InvalidPolicyDocument",
        }


def take_form(fields: dict[str, str]) -> None:
    """Raises: OssError."""
    claim = read_s3_form_claim(fields)
    assert claim is not None
    check_all(claim, now=NOW, regions={REGION}, target=Target(BUCKET))
    verify_form(claim, SECRETS[claim.access_key_id])
    policy = read_post_policy(claim.policy)
    check_post_policy(policy, fields, now=NOW)
    check_covered(policy, fields)


@each(s3_vectors("sts"), name=by_id)
def test_a_request_of_botocore_to_sts_is_accepted(vector: Vector) -> None:
    request, _ = arrived(vector)
    claim = read_aws_sts_claim(request, body_of(vector))
    check_all(claim, now=NOW, regions={REGION}, target=Target())
    assert verify(claim, request, Target(), SECRETS[claim.access_key_id]) == vector["string_to_sign"]
    for changed in (
        read_aws_sts_claim(request, body_of(vector) + b"&"),
        claim._replace(scope=claim.scope._replace(product="s3")),
        claim._replace(signature="0" * 64),
    ):
        with pytest.raises(OssError) as caught:
            verify(changed, request, Target(), SECRETS[claim.access_key_id])
        assert caught.value.code == "SignatureDoesNotMatch"


BODY_CODES = {"XAmzContentSHA256Mismatch", "BadDigest"}  # of digests, which whoever takes the body in compares


@each([refusal for refusal in s3_refusals() if refusal["code"] not in BODY_CODES], name=by_id)
def test_one_change_is_refused_for_what_was_changed(refusal: Vector) -> None:
    with pytest.raises(OssError) as caught:
        accept(refusal, refusal["now"])
    assert caught.value.code == refusal["code"]
