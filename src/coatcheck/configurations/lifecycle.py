"""A bucket's lifecycle rules: read, checked, stored, written. Pure. Source: OSS API reference, PutBucketLifecycle.

What they do to an object is in `operations/lifecycle_plan.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_REQUEST, NOT_IMPLEMENTED, OssError
from coatcheck.core.limits import (
    LIFECYCLE_ID_MAX_BYTES,
    LIFECYCLE_KEPT_VERSIONS_MAX,
    LIFECYCLE_RULES_MAX,
)
from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.core.times import DAY_S, read_iso, write_iso
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import Tags

from .elements import (
    find_given_switch,
    find_number,
    find_one,
    find_switch,
    find_text,
    malformed,
    need_choice,
    need_text,
    texts,
    write_switch,
)
from .stored import read_stored, write_stored

NAME: Final = "lifecycle"
ROOT: Final = "LifecycleConfiguration"

_TAG: Final = texts("Key", "Value")
_DUE: Final = ("Days", "CreatedBeforeDate")
_STEP: Final = ("StorageClass", "IsAccessTime", "ReturnToStdWhenVisit", "AllowSmallFile")
_RULE: Final = texts(
    *("AtimeBase", "ID", "Prefix", "Status"),
    Tag=_TAG,
    Filter=texts("ObjectSizeGreaterThan", "ObjectSizeLessThan", Not=texts("Prefix", Tag=_TAG)),
    Expiration=texts(*_DUE, "Date", "ExpiredObjectDeleteMarker"),
    Transition=texts(*_DUE, *_STEP),
    AbortMultipartUpload=texts(*_DUE),
    NoncurrentVersionExpiration=texts("NoncurrentDays"),
    NoncurrentVersionTransition=texts("NoncurrentDays", *_STEP),
)
SHAPE: Final = texts(Rule=_RULE)

# From warm to cold; a rule only ever moves to the right.
CLASSES: Final = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")


class Due(Struct, frozen=True):
    """When something is to happen; one of three.

    Attributes:
        days: so many days after a moment.
        before_s: at once, for what is of a moment before this one (CreatedBeforeDate).
        on_s: at this moment, for everything (Date).
    """

    days: int | None = None
    before_s: int | None = None
    on_s: int | None = None

    def at(self, moment_s: int) -> int:
        """Unix seconds from which it is due for what is of `moment_s`: the midnight (UTC) behind so many full days."""
        if self.days is not None:
            return -(-(moment_s + self.days * DAY_S) // DAY_S) * DAY_S
        if self.before_s is not None:
            return moment_s if moment_s < self.before_s else NEVER
        assert self.on_s is not None
        return self.on_s


NEVER: Final = 1 << 62


class Transition(Struct, frozen=True):
    """A move to a colder class.

    Attributes:
        by_access: its days count from the last access, which nobody notes here: it is kept and given back, and not
            carried out.
        back_on_visit: what is read is to become Standard again; only with `by_access`.
        least_size: it is for objects of so many bytes and more; S3 alone can say it.
    """

    due: Due
    storage_class: str
    small_files: bool | None = None
    by_access: bool | None = None
    back_on_visit: bool | None = None
    least_size: int | None = None


class Exclusion(Struct, frozen=True):
    """What a rule leaves alone: keys of a prefix, those of them with a tag if one is given."""

    prefix: str
    tag: tuple[str, str] | None = None


class Rule(Struct, frozen=True):
    """One rule. Without tags, sizes and exclusions it is about every key of its prefix.

    Attributes:
        expired_markers: remove delete markers that are the only version left of their key.
        noncurrent: how long an older version stays after it was superseded.
        keep_noncurrent: so many of the newest older versions stay for good; S3 alone can say it.
        plain_prefix: it was put in S3's older form, and is shown so: a Prefix without Filter.
    """

    rule_id: str
    prefix: str
    enabled: bool
    tags: Tags = ()
    larger_than: int | None = None
    smaller_than: int | None = None
    exclusions: tuple[Exclusion, ...] = ()
    expiration: Due | None = None
    expired_markers: bool = False
    transitions: tuple[Transition, ...] = ()
    abort: Due | None = None
    noncurrent: Due | None = None
    noncurrent_transitions: tuple[Transition, ...] = ()
    keep_noncurrent: int | None = None
    plain_prefix: bool | None = None

    @property
    def actions(self) -> frozenset[str]:
        """The kinds of things it does."""
        does = {
            "Expiration": self.expiration is not None or self.expired_markers,
            "Transition": self.transitions,
            "AbortMultipartUpload": self.abort,
            "NoncurrentVersionExpiration": self.noncurrent,
            "NoncurrentVersionTransition": self.noncurrent_transitions,
        }
        return frozenset(name for name, given in does.items() if given)


class Lifecycle(Struct, frozen=True):
    """All rules of a bucket, each with an id of its own.

    Attributes:
        default_size: S3's word for what `least_size` is where a rule says nothing of sizes, if it was said.
    """

    rules: tuple[Rule, ...]
    default_size: str | None = None


def read(document: Element) -> Lifecycle:
    """A LifecycleConfiguration; rules without an id get one. To be checked against its bucket.

    Raises: OssError MALFORMED_XML, INVALID_ARGUMENT, NOT_IMPLEMENTED.
    """
    elements = document.findall("Rule")
    if not elements:
        raise malformed("LifecycleConfiguration needs a Rule.")
    if len(elements) > LIFECYCLE_RULES_MAX:
        raise _bad(f"There may be {LIFECYCLE_RULES_MAX} lifecycle rules.", "Rule", str(len(elements)))
    rules = tuple(map(_read_rule, elements))
    if len({rule.rule_id for rule in rules}) != len(rules):
        raise _bad("Each rule needs an ID of its own.", "ID", "")
    return Lifecycle(rules)


def check(rules: Sequence[Rule], *, bucket_class: str, overlap: bool, of_tags: TagRule = OBJECT_TAGS) -> None:
    """Whether a bucket may have these rules.

    Args:
        bucket_class: the bucket's storage class; nothing is moved in one of the archive classes.
        overlap: rules may do the same to the same keys (x-oss-allow-same-action-overlap).
        of_tags: which tags a rule may name.
    Raises: OssError INVALID_ARGUMENT, INVALID_REQUEST.
    """
    for rule in rules:
        _refuse_mixture(rule)
        for tag in (*rule.tags, *(one.tag for one in rule.exclusions if one.tag is not None)):
            _check_tag(*tag, of_tags)
    if bucket_class in CLASSES[2:] and any(rule.transitions or rule.noncurrent_transitions for rule in rules):
        raise _bad(f"A bucket of class {bucket_class} has no transitions.", "Transition", bucket_class)
    if not overlap:
        _refuse_overlaps(rules)


def write(lifecycle: Lifecycle) -> list[Node]:
    """Raises: OssError NOT_IMPLEMENTED, for what S3 has set and OSS has no word for."""
    for rule in lifecycle.rules:
        if rule.keep_noncurrent is not None:
            raise _unsaid(rule, "it keeps a number of older versions (NewerNoncurrentVersions)")
        if any(step.due.on_s is not None for step in rule.transitions):
            raise _unsaid(rule, "it moves objects at a date (Date of a Transition)")
        if any(step.least_size is not None for step in (*rule.transitions, *rule.noncurrent_transitions)):
            raise _unsaid(rule, "it leaves small objects (transition-default-minimum-object-size)")
    return [("Rule", tuple(_rule_nodes(rule))) for rule in lifecycle.rules]


def to_json(lifecycle: Lifecycle) -> str:
    return write_stored(lifecycle)


@lru_cache(maxsize=256)
def from_json(text: str) -> Lifecycle:
    return read_stored(Lifecycle, text)


# --- reading ---------------------------------------------------------------------------------------------------------


def _read_rule(element: Element) -> Rule:
    rule = Rule(
        rule_id=find_text(element, "ID") or secrets.token_hex(8),
        prefix=find_text(element, "Prefix") or "",
        enabled=_read_status(element),
        tags=tuple(_read_tag(tag) for tag in element.findall("Tag")),
    )
    if len(rule.rule_id.encode()) > LIFECYCLE_ID_MAX_BYTES:
        raise _bad(f"The ID of a rule has at most {LIFECYCLE_ID_MAX_BYTES} bytes.", "ID", rule.rule_id)
    rule = _with_filter(rule, find_one(element, "Filter"))
    rule = _with_expiration(rule, find_one(element, "Expiration"))
    abort, noncurrent = find_one(element, "AbortMultipartUpload"), find_one(element, "NoncurrentVersionExpiration")
    rule = replace(
        rule,
        transitions=tuple(_read_transition(one, _read_due(one)) for one in element.findall("Transition")),
        abort=None if abort is None else _read_due(abort),
        noncurrent=None if noncurrent is None else _read_noncurrent(noncurrent),
        keep_noncurrent=None if noncurrent is None else _read_kept(noncurrent),
        noncurrent_transitions=tuple(
            _read_transition(one, _read_noncurrent(one)) for one in element.findall("NoncurrentVersionTransition")
        ),
    )
    _check_rule(rule)
    return rule


def _read_status(element: Element) -> bool:
    status = need_text(element, "Status")
    if status not in ("Enabled", "Disabled"):
        raise malformed("Status must be Enabled or Disabled.")
    return status == "Enabled"


def _read_tag(element: Element) -> tuple[str, str]:
    return need_text(element, "Key"), find_text(element, "Value") or ""


def _with_filter(rule: Rule, element: Element | None) -> Rule:
    if element is None:
        return rule
    exclusions = []
    for excluded in element.findall("Not"):
        tag = find_one(excluded, "Tag")
        exclusion = Exclusion(find_text(excluded, "Prefix") or "", None if tag is None else _read_tag(tag))
        if not exclusion.prefix.startswith(rule.prefix):
            raise _bad("The prefix of Not must begin with the rule's.", "Prefix", exclusion.prefix)
        if exclusion.prefix == rule.prefix and exclusion.tag is None:
            raise _bad("Not would exclude everything.", "Prefix", exclusion.prefix)
        exclusions.append(exclusion)
    larger = find_number(element, "ObjectSizeGreaterThan", most=1 << 60)
    smaller = find_number(element, "ObjectSizeLessThan", least=1, most=1 << 60)
    if larger is not None and smaller is not None and larger >= smaller:
        raise _bad("ObjectSizeGreaterThan must be less than ObjectSizeLessThan.", "Filter", str(larger))
    return replace(rule, larger_than=larger, smaller_than=smaller, exclusions=tuple(exclusions))


def _with_expiration(rule: Rule, element: Element | None) -> Rule:
    if element is None:
        return rule
    if find_one(element, "ExpiredObjectDeleteMarker") is None:
        return replace(rule, expiration=_read_due(element))
    if len(element) > 1:
        raise malformed("Expiration holds one of Days, CreatedBeforeDate and ExpiredObjectDeleteMarker.")
    if not find_switch(element, "ExpiredObjectDeleteMarker"):
        raise _bad("ExpiredObjectDeleteMarker must be true.", "ExpiredObjectDeleteMarker", "false")
    return replace(rule, expired_markers=True)


def _read_due(element: Element) -> Due:
    """Days, or a date. A Date is OSS's older way, in Expiration alone, and S3's; each dialect's shape says where."""
    due = Due(
        days=find_number(element, "Days", least=1),
        before_s=_find_date(element, "CreatedBeforeDate"),
        on_s=_find_date(element, "Date"),
    )
    if sum(one is not None for one in (due.days, due.before_s, due.on_s)) != 1:
        raise malformed(f"{element.tag} needs one of Days and CreatedBeforeDate.")
    return due


def _find_date(element: Element, name: str) -> int | None:
    text = find_text(element, name)
    if text is None:
        return None
    moment_s = read_iso(text)
    if moment_s is None or moment_s % DAY_S:
        raise _bad("A date must be a midnight such as 2026-03-05T00:00:00.000Z.", name, text)
    return moment_s


def _read_noncurrent(element: Element) -> Due:
    days = find_number(element, "NoncurrentDays", least=1)
    if days is None:
        raise malformed(f"{element.tag} needs NoncurrentDays.")
    return Due(days=days)


def _read_kept(element: Element) -> int | None:
    return find_number(element, "NewerNoncurrentVersions", least=1, most=LIFECYCLE_KEPT_VERSIONS_MAX)


def _read_transition(element: Element, due: Due) -> Transition:
    storage_class = need_choice(element, "StorageClass", CLASSES[1:])
    names = ("AllowSmallFile", "IsAccessTime", "ReturnToStdWhenVisit")
    small_files, by_access, back_on_visit = (find_given_switch(element, name) for name in names)
    if back_on_visit and not by_access:
        raise _bad("ReturnToStdWhenVisit needs IsAccessTime.", "ReturnToStdWhenVisit", "true")
    return Transition(due, storage_class, small_files, by_access, back_on_visit)


def _check_rule(rule: Rule) -> None:
    if not rule.actions:
        raise _bad("A rule needs an action.", "Rule", rule.rule_id)
    if rule.abort is not None and (rule.tags or rule.larger_than is not None or rule.smaller_than is not None):
        raise _bad("Uploads have no tags and no size, so a rule that aborts them names none.", "Tag", rule.rule_id)
    if rule.expired_markers and rule.tags:
        raise _bad("Delete markers have no tags.", "ExpiredObjectDeleteMarker", rule.rule_id)
    _check_steps(rule.transitions, rule.expiration)
    _check_steps(rule.noncurrent_transitions, rule.noncurrent)


def _check_steps(steps: Sequence[Transition], end: Due | None) -> None:
    """Classes get colder as days grow, and the end comes behind all. Days of two kinds cannot be compared."""
    ordered = sorted(steps, key=lambda step: CLASSES.index(step.storage_class))
    for warmer, colder in pairwise(ordered):
        if warmer.storage_class == colder.storage_class:
            raise _bad("Each storage class may be named once.", "StorageClass", warmer.storage_class)
        if bool(warmer.by_access) == bool(colder.by_access) and not _comes_before(warmer.due, colder.due):
            raise _bad("Objects move to colder classes later.", "StorageClass", colder.storage_class)
    if end is not None and any(not _comes_before(step.due, end) for step in steps if not step.by_access):
        raise _bad("Expiration must be later than every transition.", "Expiration", "")


def _comes_before(first: Due, second: Due) -> bool:
    if first.days is not None and second.days is not None:
        return first.days < second.days
    if first.before_s is not None and second.before_s is not None:
        return first.before_s > second.before_s  # what is older than the earlier date has come further
    return True


def _refuse_mixture(rule: Rule) -> None:
    """Raises: OssError INVALID_REQUEST, for a rule with days and with dates."""
    given = [due for due in (rule.expiration, rule.abort, *(step.due for step in rule.transitions)) if due is not None]
    if len({due.days is None for due in given}) > 1:
        raise INVALID_REQUEST("A rule has days or dates, not both.")


def _check_tag(key: str, value: str, rule: TagRule) -> None:
    for name, text, allowed in (("Key", key, rule.allows_key(key)), ("Value", value, rule.allows_value(value))):
        if not allowed:
            raise _bad(f"The {name} of a tag is not valid.", name, text)


def _refuse_overlaps(rules: Sequence[Rule]) -> None:
    """Two rules that do the same to keys of which some are both's; rules with different tags are about different
    objects. Sorted by prefix, a rule follows those whose prefixes hold its own: few, if they do different things.
    """
    holders: dict[frozenset[tuple[str, str]], list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: rule.prefix):
        around = holders.setdefault(frozenset(rule.tags), [])
        while around and not rule.prefix.startswith(around[-1].prefix):
            around.pop()
        for other in around:
            if shared := rule.actions & other.actions:
                raise _bad(f"Overlap for same action type {min(shared)}", "Prefix", rule.prefix)
        around.append(rule)


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])


def _unsaid(rule: Rule, what: str) -> OssError:
    return NOT_IMPLEMENTED(f"Rule {rule.rule_id} cannot be said in the words of OSS: {what}. Read it by S3.")


# --- writing ---------------------------------------------------------------------------------------------------------


def _rule_nodes(rule: Rule) -> Iterator[Node]:
    yield "ID", rule.rule_id
    yield "Prefix", rule.prefix
    yield "Status", "Enabled" if rule.enabled else "Disabled"
    yield from (("Tag", _tag_nodes(tag)) for tag in rule.tags)
    if rule.larger_than is not None or rule.smaller_than is not None or rule.exclusions:
        yield "Filter", tuple(_filter_nodes(rule))
    if rule.expiration is not None:
        yield "Expiration", _due_nodes(rule.expiration)
    if rule.expired_markers:
        yield "Expiration", (("ExpiredObjectDeleteMarker", "true"),)
    yield from (("Transition", (*_due_nodes(step.due), *_step_nodes(step))) for step in rule.transitions)
    if rule.abort is not None:
        yield "AbortMultipartUpload", _due_nodes(rule.abort)
    if rule.noncurrent is not None:
        yield "NoncurrentVersionExpiration", (("NoncurrentDays", rule.noncurrent.days or 0),)
    for step in rule.noncurrent_transitions:
        yield "NoncurrentVersionTransition", (("NoncurrentDays", step.due.days or 0), *_step_nodes(step))


def _filter_nodes(rule: Rule) -> Iterator[Node]:
    if rule.larger_than is not None:
        yield "ObjectSizeGreaterThan", rule.larger_than
    if rule.smaller_than is not None:
        yield "ObjectSizeLessThan", rule.smaller_than
    for exclusion in rule.exclusions:
        tag = () if exclusion.tag is None else (("Tag", _tag_nodes(exclusion.tag)),)
        yield "Not", (("Prefix", exclusion.prefix), *tag)


def _tag_nodes(tag: tuple[str, str]) -> tuple[Node, ...]:
    return ("Key", tag[0]), ("Value", tag[1])


def _due_nodes(due: Due) -> tuple[Node, ...]:
    if due.days is not None:
        return (("Days", due.days),)
    if due.before_s is not None:
        return (("CreatedBeforeDate", write_iso(due.before_s)),)
    return (("Date", write_iso(due.on_s or 0)),)


def _step_nodes(step: Transition) -> tuple[Node, ...]:
    switches = (
        ("IsAccessTime", step.by_access),
        ("ReturnToStdWhenVisit", step.back_on_visit),
        ("AllowSmallFile", step.small_files),
    )
    given = tuple((name, write_switch(switch)) for name, switch in switches if switch is not None)
    return (("StorageClass", step.storage_class), *given)
