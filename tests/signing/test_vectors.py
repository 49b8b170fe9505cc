"""Every recorded request of the official libraries: we build the same texts, and accept what they signed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.signing import v1, v4
from coatcheck.signing.claim import read_claim
from coatcheck.signing.scheme import Claim
from coatcheck.signing.v1_scheme import V1_LINK
from coatcheck.signing.v4_scheme import V4Claim
from coatcheck.signing.verify import signed_text, verify
from coatcheck.wire.query import make_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from ..each import each
from .builders import NOW, REGION, SECRETS, Vector, a_request, check_all, target_of, vectors

SUPPORTED = vectors("v4-query", "v4-header", "v1-query", "v1-header")
RELAXED = "keep-equals-of-empty-values"


def arrived(vector: Vector) -> tuple[Request, Target]:
    request = a_request(
        vector["output"]["url"],
        vector["input"]["method"],
        {name: str(value) for name, value in (vector["output"].get("headers") or {}).items() if value is not None},
        client="192.0.2.10",
    )
    target = target_of(request, vector["input"]["host_style"])
    return request, Target() if vector["input"]["bucket"] is None else target


def is_accepted(vector: Vector) -> bool:
    return bool(vector["verify"]["strict"]) or vector["verify"]["matched_by"] == RELAXED


def sign_text(claim: Claim, string_to_sign: str) -> str:
    secret = SECRETS[claim.access_key_id]
    if isinstance(claim, V4Claim):
        return v4.sign(v4.signing_key(secret, claim.scope), string_to_sign)
    return v1.sign(secret, string_to_sign)


def by_id(vector: Vector) -> str:
    return str(vector["id"])


@each([v for v in SUPPORTED if is_accepted(v)], name=by_id)
def test_what_an_sdk_signed_is_accepted(vector: Vector) -> None:
    request, target = arrived(vector)
    claim = read_claim(request)
    assert claim is not None
    if not (claim.scheme is V1_LINK and target.key is None):
        check_all(claim, now=NOW, regions={REGION}, target=target)
    verify(claim, request, target, SECRETS[claim.access_key_id])


@each([v for v in SUPPORTED if not is_accepted(v)], name=by_id)
def test_what_the_rules_do_not_cover_is_refused(vector: Vector) -> None:
    request, target = arrived(vector)
    claim = read_claim(request)
    assert claim is not None
    with pytest.raises(OssError) as refused:
        verify(claim, request, target, SECRETS[claim.access_key_id])
    assert refused.value.code == "SignatureDoesNotMatch"


@each([v for v in SUPPORTED if v["verify"]["strict"]], name=by_id)
def test_our_texts_and_signature_are_the_sdks(vector: Vector) -> None:
    request, target = arrived(vector)
    claim = read_claim(request)
    assert claim is not None
    text = signed_text(claim, replace(request, query=make_query(request.query.parameters)), target)
    assert text.string_to_sign == vector["output"]["string_to_sign"]
    if "canonical_request" in vector["output"]:
        assert text.canonical_request == vector["output"]["canonical_request"]
    assert sign_text(claim, text.string_to_sign) == claim.signature


@each(vectors("aws4-query", "aws4-header"), name=by_id)
def test_signature_versions_we_do_not_speak_are_refused_in_words(vector: Vector) -> None:
    request = a_request(vector["output"]["url"], headers=vector["output"]["headers"])
    with pytest.raises(OssError) as refused:
        read_claim(request)
    assert (refused.value.status, refused.value.code) == (400, "InvalidArgument")
    assert "not supported" in refused.value.message


def test_every_kind_of_vector_was_found() -> None:
    assert {kind: len(vectors(kind)) for kind in ("v4-query", "v4-header", "v1-query", "v1-header")} == {
        "v4-query": 151,
        "v4-header": 144,
        "v1-query": 136,
        "v1-header": 136,
    }
