"""Any value of each document, as its XML form can say it."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck.configurations.access_monitor import AccessMonitor
from coatcheck.configurations.archive_direct_read import ArchiveDirectRead
from coatcheck.configurations.bucket_logging import Logging
from coatcheck.configurations.callback_policy import CallbackPolicy, PolicyItem
from coatcheck.configurations.cors import Cors, CorsRule
from coatcheck.configurations.encryption import EncryptionRule
from coatcheck.configurations.https import TLS_VERSIONS, CipherSuites, HttpsConfig
from coatcheck.configurations.lifecycle import Due, Exclusion, Lifecycle, Rule, Transition
from coatcheck.configurations.log_fields import LogFields
from coatcheck.configurations.overwrite import OverwriteRules
from coatcheck.configurations.overwrite import Rule as OverwriteRule
from coatcheck.configurations.public_access_block import PublicAccessBlock
from coatcheck.configurations.qos import Qos
from coatcheck.configurations.referer import RefererRules
from coatcheck.configurations.request_payment import RequestPayment
from coatcheck.configurations.resource_group import ResourceGroup
from coatcheck.configurations.storage_capacity import StorageCapacity
from coatcheck.configurations.storage_quota import StorageQuota
from coatcheck.configurations.tags import BucketTags
from coatcheck.configurations.transfer_acceleration import TransferAcceleration
from coatcheck.configurations.website import HeaderCondition, RoutingRule, Website
from coatcheck.core.times import DAY_S
from coatcheck.ports.object import COMPLIANCE, GOVERNANCE
from coatcheck.ports.worm import DefaultRetention, ObjectWorm

WORDS: Final = st.text(string.ascii_letters + string.digits + "-_.é空&<>'\"", min_size=1, max_size=8)
TAG_WORDS: Final = st.text(string.ascii_letters + string.digits + "-_.é空+=:/", min_size=1, max_size=8)
TOKENS: Final = st.text(string.ascii_letters + "-", min_size=1, max_size=8)
KEY_IDS: Final = TOKENS.map(lambda text: f"k{text}")
SWITCHES: Final = st.booleans()
MAYBE: Final = st.none() | st.booleans()


def many(each: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(each, min_size=least, max_size=3, unique=True).map(tuple)


def _numbered(rules: list[Any]) -> list[tuple[int, Any]]:
    return list(enumerate(rules, 1))


def _cors() -> st.SearchStrategy[Cors]:
    origins = st.sampled_from(["*", "https://*.example.com", "http://a.example"])
    methods = st.sampled_from(["GET", "PUT", "DELETE", "POST", "HEAD"])
    ages = st.none() | st.integers(0, 999_999_999)
    rule = st.builds(CorsRule, many(origins, 1), many(methods, 1), many(TOKENS.map(str.lower)), many(TOKENS), ages)
    return st.builds(Cors, many(rule, 1), SWITCHES)


def _referer() -> st.SearchStrategy[RefererRules]:
    truncated = st.sampled_from([(True, True), (True, False), (False, False)])
    return st.builds(
        lambda empty, cut, white, black: RefererRules(empty, cut[0], cut[1], white, black),
        SWITCHES,
        truncated,
        many(WORDS),
        many(WORDS),
    )


def _https() -> st.SearchStrategy[HttpsConfig]:
    suites = st.builds(CipherSuites, SWITCHES, MAYBE, many(TOKENS), many(TOKENS))
    versions, maybe = st.sampled_from(TLS_VERSIONS), st.none() | suites
    enabled = st.builds(HttpsConfig, st.just(True), many(versions, 1), maybe)
    return enabled | st.builds(HttpsConfig, st.just(False), many(versions), maybe)


def _lifecycle() -> st.SearchStrategy[Lifecycle]:
    tags = many(st.tuples(TAG_WORDS, TAG_WORDS))
    midnights = st.integers(1, 30_000).map(lambda day: day * DAY_S)
    ends = st.one_of(
        st.builds(Due, days=st.integers(400, 3650)),
        st.builds(Due, before_s=midnights),
        st.builds(Due, on_s=midnights),
    )
    visits = st.sampled_from([(None, None), (False, None), (True, None), (True, True), (True, False)])
    step = st.builds(lambda small, visit: Transition(Due(days=30), "IA", small, *visit), MAYBE, visits)
    steps = many(step).map(lambda found: found[:1])
    excluded = st.builds(
        lambda prefix, tag: Exclusion(f"logs/{prefix}", tag), WORDS, st.none() | st.tuples(TAG_WORDS, TAG_WORDS)
    )
    plain = st.builds(
        Rule,
        rule_id=st.just(""),
        prefix=st.just("logs/"),
        enabled=SWITCHES,
        tags=tags,
        larger_than=st.none() | st.integers(0, 99),
        smaller_than=st.none() | st.integers(100, 1 << 60),
        exclusions=many(excluded),
        expiration=ends,
        noncurrent=st.none() | st.builds(Due, days=st.integers(100, 3650)),
        noncurrent_transitions=st.just(()) | st.just((Transition(Due(days=9), "Archive"),)),
    )
    moving = st.builds(
        Rule,
        rule_id=st.just(""),
        prefix=WORDS,
        enabled=SWITCHES,
        expired_markers=SWITCHES,
        transitions=steps,
        abort=st.builds(Due, days=st.integers(1, 99)),
    )
    numbered = st.lists(st.one_of(plain, moving), min_size=1, max_size=3).map(_numbered)
    return numbered.map(
        lambda rules: Lifecycle(tuple(replace(rule, rule_id=f"rule {number}") for number, rule in rules))
    )


def _overwrite() -> st.SearchStrategy[OverwriteRules]:
    who = many(st.sampled_from(["*", "1000000000000001", "acs:ram::1:user/ann", "acs:sts::1:assumed-role/r/*"]))
    rule = st.tuples(WORDS | st.just(""), WORDS | st.just(""), who)
    numbered = st.lists(rule, min_size=1, max_size=3).map(_numbered)
    return numbered.map(
        lambda rules: OverwriteRules(tuple(OverwriteRule(f"rule {number}", *parts) for number, parts in rules))
    )


def _callback_policy() -> st.SearchStrategy[CallbackPolicy]:
    def in_base64(document: dict[str, str]) -> str:
        return base64.b64encode(json.dumps(document).encode()).decode()

    callbacks = st.builds(lambda url, body: in_base64({"callbackUrl": url, "callbackBody": body}), WORDS, WORDS)
    variables = st.just("") | st.builds(lambda name, value: in_base64({f"x:{name}": value}), TOKENS, WORDS)
    numbered = st.lists(st.tuples(callbacks, variables), min_size=1, max_size=3).map(_numbered)
    return numbered.map(
        lambda items: CallbackPolicy(tuple(PolicyItem(f"item {number}", *parts) for number, parts in items))
    )


def _website() -> st.SearchStrategy[Website]:
    texts = st.none() | WORDS
    header = st.builds(HeaderCondition, TOKENS, texts, texts, texts)
    rule = st.builds(
        lambda kind, pre, suf, error, headers, scheme, code, passed, key, enable: (
            kind,
            pre,
            suf,
            error,
            headers,
            scheme,
            "files.example.com",
            code,
            passed,
            *key,
            enable,
        ),
        st.sampled_from(["External", "AliCDN", "Internal"]),
        texts,
        texts,
        st.none() | st.integers(400, 599),
        many(header),
        st.sampled_from([None, "http", "https"]),
        st.sampled_from([None, "301", "302", "307"]),
        SWITCHES,
        st.sampled_from([(None, None), ("${key}.html", None), (None, "new/")]),
        MAYBE,
    )
    rules = st.lists(rule, max_size=3).map(_numbered)
    made = rules.map(lambda found: tuple(RoutingRule(number, *parts) for number, parts in found))
    return st.builds(
        Website,
        WORDS,
        SWITCHES,
        st.integers(0, 2),
        WORDS,
        st.sampled_from([200, 404]),
        made,
    )


def _object_worm() -> st.SearchStrategy[ObjectWorm]:
    modes = st.sampled_from([GOVERNANCE, COMPLIANCE])
    days = st.builds(DefaultRetention, modes, st.integers(1, 36_500), st.none())
    years = st.builds(DefaultRetention, modes, st.none(), st.integers(1, 100))
    return st.builds(ObjectWorm, st.none() | days | years)


VALUES: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "cors": _cors(),
    "encryption": st.sampled_from([EncryptionRule("AES256"), EncryptionRule("SM4")])
    | st.builds(
        EncryptionRule, st.just("KMS"), st.none() | TOKENS.map(lambda text: f"k{text}"), st.sampled_from([None, "SM4"])
    ),
    "https": _https(),
    "lifecycle": _lifecycle(),
    "publicAccessBlock": st.builds(PublicAccessBlock, SWITCHES),
    "referer": _referer(),
    "requestPayment": st.builds(RequestPayment, st.sampled_from(["BucketOwner", "Requester"])),
    "tagging": st.builds(
        BucketTags, st.dictionaries(WORDS, st.just("") | WORDS, min_size=1, max_size=3).map(lambda t: tuple(t.items()))
    ),
    "transferAcceleration": st.builds(TransferAcceleration, SWITCHES),
    "objectWorm": _object_worm(),
    "overwrite": _overwrite(),
    "resourceGroup": st.builds(ResourceGroup, TOKENS.map(lambda text: f"rg-{text}")),
    "accessMonitor": st.builds(AccessMonitor, SWITCHES),  # since when is no part of the document
    "archiveDirectRead": st.builds(ArchiveDirectRead, SWITCHES),
    "callbackPolicy": _callback_policy(),
    "logging": st.just(Logging()) | st.builds(Logging, TOKENS, st.just("log-"), st.none() | TOKENS),
    "logFields": st.builds(LogFields, many(TOKENS, 1), many(TOKENS))
    | st.builds(LogFields, many(TOKENS), many(TOKENS, 1)),
    "qos": st.builds(
        lambda total, parts: Qos(total_upload=total, intranet_upload=min(parts, total), extranet_qps=parts),
        st.integers(0, 1_000_000),
        st.integers(-1, 1_000_000),
    ),
    "storageQuota": st.builds(StorageQuota, st.integers(1, 2**62), st.sampled_from(["Strict", "Warning"])),
    "storageCapacity": st.builds(StorageCapacity, st.integers(-1, 10**9)),
    "website": _website(),
}
