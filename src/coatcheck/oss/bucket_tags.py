"""PutBucketTags, GetBucketTags, DeleteBucketTags, and the filters of ListBuckets by tag.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_TAG, REPEATED_TAGS, TOO_MANY_TAGS
from coatcheck.core.limits import BUCKET_TAG_KEY_MAX_BYTES, BUCKET_TAG_VALUE_MAX_BYTES, BUCKET_TAGS_MAX
from coatcheck.core.xml import write_xml
from coatcheck.ports.bucket import TAGGING, Bucket, Tags, write_tags
from coatcheck.wire.query import Query
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .elements import find_text, malformed, need_one
from .settings_kept import change_setting, drop_setting, keep_setting
from .tagging import read_tag_pairs

ROOT: Final = "Tagging"
_RESERVED: Final = ("http://", "https://", "aliyun")


async def put_bucket_tags(call: Call) -> Reply:
    """PutBucketTags: replaces all."""
    await keep_setting(call, TAGGING, write_tags(_read(await read_document(call.request, ROOT))))
    return Reply(200)


async def get_bucket_tags(call: Call) -> Reply:
    """GetBucketTags: an empty set where there are none."""
    return Reply(200, ((b"Content-Type", b"application/xml"),), _write(call.this_bucket.tags))


async def delete_bucket_tags(call: Call) -> Reply:
    """DeleteBucketTags: all, or those whose keys the parameter names; 204 whether or not there were any."""
    named = call.request.query.get("tagging")
    if not named:
        await drop_setting(call, TAGGING)
        return Reply(204)
    gone = set(named.split(","))

    def keep_others(bucket: Bucket) -> str | None:
        left = tuple(tag for tag in bucket.tags if tag[0] not in gone)
        return write_tags(left) if left else None

    await change_setting(call, TAGGING, keep_others)
    return Reply(204)


def read_tags_header(text: str) -> str:
    """x-oss-bucket-tagging of PutBucket, "k=v&k2=v2" -> the document to keep. Raises: OssError."""
    if text.count("&") >= BUCKET_TAGS_MAX:
        raise TOO_MANY_TAGS()
    return write_tags(_check(read_tag_pairs(text, "x-oss-bucket-tagging")))


def read_tag_filter(query: Query) -> Tags | None:
    """What ListBuckets is asked to look for: pairs that must all be there, or a key alone (value "*").

    Raises: OssError INVALID_ARGUMENT.
    """
    key, value, pairs = query.get("tag-key"), query.get("tag-value"), query.get("tagging")
    if pairs:
        if key is not None:
            raise _bad("tagging and tag-key cannot be given together.", "tagging", pairs)
        return tuple(_read_pair(pair, pairs) for pair in pairs.split(","))
    if value is not None and not key:
        raise _bad("tag-value needs tag-key.", "tag-value", value)
    return ((key, ANY if value is None else value),) if key else None


ANY: Final = "\0any"  # no tag can have that value


def has_tags(bucket: Bucket, wanted: Tags) -> bool:
    tags = dict(bucket.tags)
    return all(key in tags and value in (ANY, tags[key]) for key, value in wanted)


def _read_pair(pair: str, whole: str) -> tuple[str, str]:
    """ "key":"value" """
    key, colon, value = pair.strip().partition(":")
    key, value = key.strip(), value.strip()
    if not colon or not all(len(text) >= 2 and text[0] == text[-1] == '"' for text in (key, value)):
        raise _bad('tagging must be pairs such as "key":"value".', "tagging", whole)
    return key[1:-1], value[1:-1]


def _read(document: Element) -> Tags:
    elements = need_one(document, "TagSet").findall("Tag")
    if not elements:
        raise malformed("TagSet needs a Tag.")
    return _check(tuple((find_text(tag, "Key") or "", find_text(tag, "Value") or "") for tag in elements))


def _check(tags: Tags) -> Tags:
    if len(tags) > BUCKET_TAGS_MAX:
        raise TOO_MANY_TAGS()
    for key, value in tags:
        if not 1 <= len(key.encode()) <= BUCKET_TAG_KEY_MAX_BYTES or key.lower().startswith(_RESERVED):
            raise INVALID_TAG("The TagKey you have provided is invalid.")
        if len(value.encode()) > BUCKET_TAG_VALUE_MAX_BYTES:
            raise INVALID_TAG("The TagValue you have provided is invalid.")
    if len({key for key, _ in tags}) != len(tags):
        raise REPEATED_TAGS()
    return tags


def _write(tags: Tags) -> bytes:
    return write_xml(ROOT, [("TagSet", tuple(("Tag", (("Key", key), ("Value", value))) for key, value in tags))])


def _bad(message: str, name: str, value: str) -> Exception:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
