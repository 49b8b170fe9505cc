"""DeleteBucketTags, the header of PutBucket that gives tags, and the filters of ListBuckets by tag.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations.tags import NAME, check
from coatcheck.core.errors import INVALID_ARGUMENT, TOO_MANY_TAGS
from coatcheck.core.limits import BUCKET_TAGS_MAX
from coatcheck.ports.bucket import Bucket, Tags, write_tags
from coatcheck.wire.query import Query
from coatcheck.wire.reply import Reply

from .call import Call
from .documents_kept import change_document, drop_document
from .tagging import read_tag_pairs


async def delete_bucket_tags(call: Call) -> Reply:
    """DeleteBucketTags: all, or those whose keys the parameter names; 204 whether or not there were any."""
    named = call.request.query.get("tagging")
    if not named:
        await drop_document(call, NAME)
        return Reply(204)
    gone = set(named.split(","))

    def keep_others(bucket: Bucket) -> str | None:
        left = tuple(tag for tag in bucket.tags if tag[0] not in gone)
        return write_tags(left) if left else None

    await change_document(call, NAME, keep_others)
    return Reply(204)


def read_tags_header(text: str) -> str:
    """x-oss-bucket-tagging of PutBucket, "k=v&k2=v2" -> the document to keep. Raises: OssError."""
    if text.count("&") >= BUCKET_TAGS_MAX:
        raise TOO_MANY_TAGS()
    return write_tags(check(read_tag_pairs(text, "x-oss-bucket-tagging")))


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


def _bad(message: str, name: str, value: str) -> Exception:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
