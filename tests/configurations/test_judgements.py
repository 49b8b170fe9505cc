"""What the values say to a request, on values alone."""

from __future__ import annotations

import pytest

from coatcheck.configurations.cors import Cors, CorsRule, preflight_headers, sharing_headers, to_json
from coatcheck.configurations.encryption import EncryptionRule, check_rule
from coatcheck.configurations.https import HttpsConfig
from coatcheck.configurations.lifecycle import Due, Rule, check
from coatcheck.configurations.referer import RefererRules, allows
from coatcheck.configurations.request_payment import RequestPayment
from coatcheck.core.errors import OssError

CORS = Cors((CorsRule(("https://*.example.com",), ("GET",), ("x-*",), ("ETag",), 60),))


def test_a_preflight_is_answered_by_the_first_rule_that_fits() -> None:
    assert preflight_headers(CORS, "https://a.example.com", "GET", "X-One") == (
        (b"access-control-allow-origin", b"https://a.example.com"),
        (b"vary", b"Origin"),
        (b"access-control-allow-headers", b"X-One"),
        (b"access-control-allow-methods", b"GET"),
        (b"access-control-expose-headers", b"ETag"),
        (b"access-control-max-age", b"60"),
    )
    for origin, method, asked in (
        ("https://example.com", "GET", None),
        ("https://a.example.com", "PUT", None),
        ("https://a.example.com", "GET", "y-one"),
    ):
        assert preflight_headers(CORS, origin, method, asked) is None


def test_other_replies_are_shared_by_the_stored_rules() -> None:
    assert dict(sharing_headers(to_json(CORS), "https://a.example.com", "GET"))[b"access-control-allow-origin"]
    assert sharing_headers(to_json(CORS), None, "GET") == ()


@pytest.mark.parametrize(
    ("config", "version", "allowed"),
    [
        (HttpsConfig(), "TLSv1.0", True),
        (HttpsConfig(False, ("TLSv1.3",)), "TLSv1.2", True),
        (HttpsConfig(True, ("TLSv1.3",)), "TLSv1.2", False),
        (HttpsConfig(True, ("TLSv1.3",)), "TLSv1.3", True),
        (HttpsConfig(True, ("TLSv1.3",)), "", True),
    ],
)
def test_a_version_of_tls_that_is_known_is_judged(config: HttpsConfig, version: str, allowed: bool) -> None:
    assert config.allows(version) is allowed


def test_referers_are_compared_in_any_case() -> None:
    rules = RefererRules(allow_empty=False, white=("http://WWW.example.com",))
    assert allows(rules, "HTTP://www.EXAMPLE.com/a")
    assert not allows(rules, "http://example.com/")
    assert not allows(rules, "")


@pytest.mark.parametrize(
    ("payer", "owner", "anonymous", "offers", "allowed"),
    [
        ("BucketOwner", False, True, False, True),
        ("Requester", True, False, False, True),
        ("Requester", False, False, False, False),
        ("Requester", False, False, True, True),
        ("Requester", False, True, True, False),
    ],
)
def test_whoever_asks_of_a_bucket_whose_requesters_pay_says_so(
    payer: str, owner: bool, anonymous: bool, offers: bool, allowed: bool
) -> None:
    assert RequestPayment(payer).allows(owner=owner, anonymous=anonymous, offers=offers) is allowed


def test_rules_that_do_the_same_to_the_same_keys_are_refused_unless_allowed() -> None:
    rules = [Rule(name, prefix, enabled=True, expiration=Due(days=1)) for name, prefix in (("a", "x"), ("b", "x/y"))]
    check(rules, bucket_class="Standard", overlap=True)
    with pytest.raises(OssError, match="Overlap for same action type Expiration"):
        check(rules, bucket_class="Standard", overlap=False)


@pytest.mark.parametrize(
    ("rule", "label"),
    [
        (EncryptionRule("AES256"), "AES256"),
        (EncryptionRule("SM4"), "SM4"),
        (EncryptionRule("KMS"), "KMS:AES256:default"),
        (EncryptionRule("KMS", "team/key-1"), "KMS:AES256:team/key-1"),
        (EncryptionRule("KMS", None, "SM4"), "KMS:SM4:default"),
        (EncryptionRule("KMS", "k", "SM4"), "KMS:SM4:k"),
    ],
)
def test_a_rule_of_encryption_has_a_label(rule: EncryptionRule, label: str) -> None:
    assert check_rule(rule, "id", "data").label == label


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (EncryptionRule("aes256"), "InvalidEncryptionAlgorithmError"),
        (EncryptionRule(""), "InvalidEncryptionAlgorithmError"),
        (EncryptionRule("KMS:AES256:k"), "InvalidEncryptionAlgorithmError"),
        (EncryptionRule("AES256", "k"), "InvalidArgument"),
        (EncryptionRule("SM4", None, "SM4"), "InvalidArgument"),
        (EncryptionRule("KMS", ""), "InvalidArgument"),
        (EncryptionRule("KMS", "a:b"), "InvalidArgument"),
        (EncryptionRule("KMS", "-a"), "InvalidArgument"),
        (EncryptionRule("KMS", "k" * 65), "InvalidArgument"),
        (EncryptionRule("KMS", "\u0663"), "InvalidArgument"),
        (EncryptionRule("KMS", None, "AES256"), "InvalidDataEncryptionAlgorithmError"),
        (EncryptionRule("KMS", None, ""), "InvalidDataEncryptionAlgorithmError"),
    ],
)
def test_what_is_no_rule_of_encryption_is_refused(rule: EncryptionRule, code: str) -> None:
    with pytest.raises(OssError) as refused:
        check_rule(rule, "id", "data")
    assert refused.value.code == code
