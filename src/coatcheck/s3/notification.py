"""A bucket's notifications, which there are none of: tools ask for them, and put the empty document back.

Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.xml import read_xml
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.row import Level, Row
from coatcheck.wire.reply import Reply

from .documents import show

_ROOT: Final = "NotificationConfiguration"


async def get_bucket_notification_configuration(_: Call) -> Reply:
    """GetBucketNotificationConfiguration: the empty document."""
    return show(_ROOT, ())


async def put_bucket_notification_configuration(call: Call) -> Reply:
    """PutBucketNotificationConfiguration: the empty document alone, which leaves things as they are."""
    document = read_xml(await read_body(call.request, most=CONFIGURATION_MAX_BYTES), _ROOT)
    if len(document):
        raise S3_NOT_BUILT("Notifications of buckets are not built.", Header=str(document[0].tag)[:128])
    return Reply(200)


def rows() -> Iterator[Row]:
    # Nobody has a right to what isn't there, so who may ask may also say that there is nothing.
    for method, run in (("GET", get_bucket_notification_configuration), ("PUT", put_bucket_notification_configuration)):
        yield Row(method, Level.BUCKET, "notification", run, Action.GET_BUCKET_INFO)
