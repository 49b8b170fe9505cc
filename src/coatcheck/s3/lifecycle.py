"""Lifecycle rules in S3's grammar. They are OSS's rules: read into the same elements, stored once, seen by both.

What one dialect has set and the other has no word for is carried out all the same; who asks for it in the other is told
so. Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from msgspec.structs import replace

from coatcheck.configurations import lifecycle
from coatcheck.configurations.elements import find_one, find_switch, find_text, malformed, texts
from coatcheck.configurations.lifecycle import CLASSES, Due, Lifecycle, Rule, Transition
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_LIFECYCLE, OssError
from coatcheck.core.limits import LIFECYCLE_MAX_BYTES, S3_TRANSITION_MIN_BYTES
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.tag_rules import S3_OBJECT_TAGS
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import keep_document
from coatcheck.wire.reply import RawHeader, Reply

from .documents import read_document, show
from .words import read_storage_class, write_storage_class

_TAG: Final = texts("Key", "Value")
_SIZES: Final = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
_PREDICATES: Final = texts("Prefix", *_SIZES, Tag=_TAG)
_NONCURRENT: Final = ("NoncurrentDays", "NewerNoncurrentVersions")
_SHAPE: Final = texts(
    Rule=texts(
        *("ID", "Prefix", "Status"),
        Filter=texts("Prefix", *_SIZES, Tag=_TAG, And=_PREDICATES),
        Expiration=texts("Days", "Date", "ExpiredObjectDeleteMarker"),
        Transition=texts("Days", "Date", "StorageClass"),
        NoncurrentVersionExpiration=texts(*_NONCURRENT),
        NoncurrentVersionTransition=texts(*_NONCURRENT, "StorageClass"),
        AbortIncompleteMultipartUpload=texts("DaysAfterInitiation"),
    )
)
_DEFAULT_SIZE: Final = "x-amz-transition-default-minimum-object-size"
# To which classes small objects aren't moved.
_SPARED: Final = {"all_storage_classes_128K": CLASSES[1:], "varies_by_storage_class": ("IA", "Archive")}
_ABORT: Final = "AbortIncompleteMultipartUpload"


async def put_bucket_lifecycle(call: Call) -> Reply:
    """PutBucketLifecycleConfiguration: replaces all rules. Rules may overlap, as they may in S3."""
    document = await read_document(call.request, lifecycle.ROOT, _SHAPE, most=LIFECYCLE_MAX_BYTES)
    rules = _with_default_size(read(document), call.request.headers.get(_DEFAULT_SIZE))
    lifecycle.check(rules.rules, bucket_class=call.this_bucket.storage_class, overlap=True, of_tags=S3_OBJECT_TAGS)
    await keep_document(call, lifecycle.NAME, lifecycle.to_json(rules))
    return Reply(200, _size_headers(rules))


async def get_bucket_lifecycle(call: Call) -> Reply:
    """GetBucketLifecycleConfiguration."""
    stored = call.this_bucket.configuration(lifecycle.NAME)
    if stored is None:
        raise NO_SUCH_LIFECYCLE(BucketName=call.this_bucket.name)
    rules = lifecycle.from_json(stored)
    return show(lifecycle.ROOT, write(rules), _size_headers(rules))


def _size_headers(rules: Lifecycle) -> tuple[RawHeader, ...]:
    return () if rules.default_size is None else ((_DEFAULT_SIZE.encode(), rules.default_size.encode()),)


# --- reading ---------------------------------------------------------------------------------------------------------


def read(document: Element) -> Lifecycle:
    """The rules of a LifecycleConfiguration of S3, whose shape was looked at.

    Raises: OssError as `lifecycle.read`; S3_NOT_BUILT, S3_BAD_STORAGE_CLASS.
    """
    elements = document.findall("Rule")
    plain = [find_one(element, "Filter") is None for element in elements]
    translated = Element(lifecycle.ROOT)
    translated.extend([_translate_rule(element) for element in elements])  # a list: extend hides what is raised
    rules = lifecycle.read(translated).rules
    return Lifecycle(tuple(replace(rule, plain_prefix=old or None) for rule, old in zip(rules, plain, strict=True)))


def _with_default_size(rules: Lifecycle, default: str | None) -> Lifecycle:
    """Which objects are too small to be moved, by rules that say nothing of sizes; with no word for it, none are.

    Raises: OssError INVALID_ARGUMENT.
    """
    if default is None:
        return rules
    if default not in _SPARED:
        raise INVALID_ARGUMENT(ArgumentName=_DEFAULT_SIZE, ArgumentValue=default[:64])
    return Lifecycle(tuple(_sized(rule, _SPARED[default]) for rule in rules.rules), default)


def _sized(rule: Rule, spared: Sequence[str]) -> Rule:
    if rule.larger_than is not None or rule.smaller_than is not None:
        return rule
    steps = [
        tuple(
            replace(step, least_size=S3_TRANSITION_MIN_BYTES) if step.storage_class in spared else step for step in each
        )
        for each in (rule.transitions, rule.noncurrent_transitions)
    ]
    return replace(rule, transitions=steps[0], noncurrent_transitions=steps[1])


def _translate_rule(element: Element) -> Element:
    """The rule with OSS's elements."""
    rule = Element("Rule")
    for name in ("ID", "Status"):
        rule.extend(element.findall(name))
    _translate_filter(element, rule)
    expiration = find_one(element, "Expiration")
    if expiration is not None:
        rule.extend(list(_translate_expiration(expiration)))
    for step in (*element.findall("Transition"), *element.findall("NoncurrentVersionTransition")):
        if step.find("NewerNoncurrentVersions") is not None:
            raise S3_NOT_BUILT("NewerNoncurrentVersions is built for NoncurrentVersionExpiration alone.")
        storage_class = find_one(step, "StorageClass")
        if storage_class is not None:
            storage_class.text = read_storage_class(find_text(step, "StorageClass") or "")
        rule.append(step)
    rule.extend(element.findall("NoncurrentVersionExpiration"))
    abort = find_one(element, _ABORT)
    if abort is not None:
        for days in abort:
            days.tag = "Days"
        abort.tag = "AbortMultipartUpload"
        rule.append(abort)
    return rule


def _translate_filter(element: Element, rule: Element) -> None:
    """Which objects: Filter with one predicate or And of several, or in the older form a Prefix.

    Raises: OssError MALFORMED_XML.
    """
    plain, chosen = find_one(element, "Prefix"), find_one(element, "Filter")
    if (plain is None) == (chosen is None):
        raise malformed("A Rule needs either Filter or Prefix.")
    if chosen is None:
        rule.extend(element.findall("Prefix"))
        return
    if len(chosen) > 1:
        raise malformed("Filter holds one element; And holds several.")
    several = find_one(chosen, "And")
    predicates = chosen if several is None else several
    rule.extend([*predicates.findall("Prefix"), *predicates.findall("Tag")])
    sizes = [size for name in _SIZES for size in predicates.findall(name)]
    if sizes:
        SubElement(rule, "Filter").extend(sizes)


def _translate_expiration(element: Element) -> Iterator[Element]:
    """Some write ExpiredObjectDeleteMarker when it is false, which says nothing. Raises: OssError MALFORMED_XML."""
    marker = find_one(element, "ExpiredObjectDeleteMarker")
    if marker is not None and not find_switch(element, "ExpiredObjectDeleteMarker"):
        element.remove(marker)
        if not len(element):
            return
    yield element


# --- writing ---------------------------------------------------------------------------------------------------------


def write(stored: Lifecycle) -> list[Node]:
    """Raises: OssError S3_NOT_BUILT, for what OSS has set and S3 has no word for."""
    return [("Rule", tuple(_rule_nodes(rule))) for rule in stored.rules]


def _rule_nodes(rule: Rule) -> Iterator[Node]:
    if rule.exclusions:
        raise _unsaid(rule, "it leaves out some of its objects (Not)")
    yield "ID", rule.rule_id
    yield ("Prefix", rule.prefix) if rule.plain_prefix else ("Filter", _filter_nodes(rule))
    yield "Status", "Enabled" if rule.enabled else "Disabled"
    if rule.expiration is not None:
        yield "Expiration", (_due_node(rule, rule.expiration),)
    if rule.expired_markers:
        yield "Expiration", (("ExpiredObjectDeleteMarker", "true"),)
    for step in rule.transitions:
        yield "Transition", (_due_node(rule, step.due), _class_node(rule, step))
    if rule.noncurrent is not None:
        kept: tuple[Node, ...] = ()
        if rule.keep_noncurrent is not None:
            kept = (("NewerNoncurrentVersions", rule.keep_noncurrent),)
        yield "NoncurrentVersionExpiration", (*kept, ("NoncurrentDays", rule.noncurrent.days or 0))
    for step in rule.noncurrent_transitions:
        yield "NoncurrentVersionTransition", (("NoncurrentDays", step.due.days or 0), _class_node(rule, step))
    if rule.abort is not None:
        yield _ABORT, (("DaysAfterInitiation", _days(rule, rule.abort)),)


def _filter_nodes(rule: Rule) -> tuple[Node, ...]:
    sizes: Mapping[str, int | None] = dict(zip(_SIZES, (rule.larger_than, rule.smaller_than), strict=True))
    narrower: list[Node] = [
        *(("Tag", (("Key", key), ("Value", value))) for key, value in rule.tags),
        *((name, size) for name, size in sizes.items() if size is not None),
    ]
    nodes: list[Node] = [("Prefix", rule.prefix), *narrower] if rule.prefix or not narrower else narrower
    return tuple(nodes) if len(nodes) == 1 else (("And", tuple(nodes)),)


def _due_node(rule: Rule, due: Due) -> Node:
    return ("Days", _days(rule, due)) if due.on_s is None else ("Date", write_iso(due.on_s))


def _days(rule: Rule, due: Due) -> int:
    if due.days is None:
        raise _unsaid(rule, "it is about what is older than a date (CreatedBeforeDate)")
    return due.days


def _class_node(rule: Rule, step: Transition) -> Node:
    if step.by_access or step.back_on_visit:
        raise _unsaid(rule, "its days count from the last access (IsAccessTime)")
    if step.small_files is False:
        raise _unsaid(rule, "it leaves small objects (AllowSmallFile)")
    return ("StorageClass", write_storage_class(step.storage_class))


def _unsaid(rule: Rule, what: str) -> OssError:
    return S3_NOT_BUILT(f"Rule {rule.rule_id} cannot be said in the words of S3: {what}. Read it by OSS.")
