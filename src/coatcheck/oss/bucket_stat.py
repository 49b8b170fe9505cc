"""GetBucketStat, DescribeRegions. Source: OSS API reference, the operations of those names."""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import live_channel
from coatcheck.core.endpoints import accelerate_names
from coatcheck.core.errors import NO_SUCH_REGION
from coatcheck.core.xml import Node, write_xml
from coatcheck.ports.bucket import BucketStat, ClassStat
from coatcheck.wire.reply import Reply

from .call import Call

_CLASSES: Final = (
    ("IA", "InfrequentAccess"),
    ("Archive", "Archive"),
    ("ColdArchive", "ColdArchive"),
    ("DeepColdArchive", "DeepColdArchive"),
)


async def get_bucket_stat(call: Call) -> Reply:
    """GetBucketStat: counted when asked, so it is never behind; every version counts. Of nothing there is no time."""
    stat = await call.ports.catalog.stat_bucket(call.this_bucket.bucket_id)
    channels = await call.ports.catalog.count_entries(call.this_bucket.bucket_id, live_channel.KIND)
    classes = dict(stat.classes)
    standard = classes.get("Standard", ClassStat())
    nodes: list[Node] = [
        ("Storage", sum(found.size_bytes for found in classes.values()) + stat.parts_bytes),
        ("ObjectCount", sum(found.objects for found in classes.values())),
        ("MultipartUploadCount", stat.uploads),
        ("LiveChannelCount", channels),
        ("LastModifiedTime", 0 if stat == BucketStat() else int(call.now)),
        ("StandardStorage", standard.size_bytes),
        ("StandardObjectCount", standard.objects),
    ]
    for name, element in _CLASSES:
        found = classes.get(name, ClassStat())
        nodes += [
            (f"{element}Storage", found.billed_bytes),
            (f"{element}RealStorage", found.size_bytes),
            (f"{element}ObjectCount", found.objects),
        ]
    nodes += [("MultipartPartCount", stat.parts), ("DeleteMarkerCount", stat.delete_markers)]
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("BucketStat", nodes))


async def describe_regions(call: Call) -> Reply:
    """DescribeRegions: those that this server stands for, or the one that is asked for."""
    asked = call.request.query.get("regions") or ""
    regions = [region for region in call.settings.regions if asked in ("", f"oss-{region}")]
    if not regions:
        raise NO_SUCH_REGION(Region=asked[:64])
    domain = call.settings.domains[0]
    nodes: list[Node] = [
        (
            "RegionInfo",
            (
                ("Region", f"oss-{region}"),
                ("InternetEndpoint", f"oss-{region}.{domain}"),
                ("InternalEndpoint", f"oss-{region}-internal.{domain}"),
                ("AccelerateEndpoint", accelerate_names(domain)[0]),
            ),
        )
        for region in regions
    ]
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("RegionInfoList", nodes))
