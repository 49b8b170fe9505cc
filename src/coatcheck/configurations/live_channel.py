"""A live channel of a bucket: where a stream's segments and playlist would go. A bucket has many, each an entry. Pure.

This server takes no RTMP streams, so a channel is never live. Source: OSS API reference, PutLiveChannel and its like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_CHANNEL_NAME, INVALID_REQUEST, OssError
from coatcheck.core.limits import (
    LIVE_CHANNEL_DESCRIPTION_MAX_BYTES,
    LIVE_CHANNEL_NAME_MAX_BYTES,
    LIVE_FRAGMENTS_MAX,
    LIVE_PLAYLIST_MAX_BYTES,
    LIVE_PLAYLIST_MIN_BYTES,
)
from coatcheck.core.xml import Node

from .elements import find_choice, find_number, find_one, find_text, malformed, need_one, need_text, texts
from .stored import read_stored, write_stored

KIND: Final = "liveChannel"  # of the entries of a bucket; the channel's name is theirs
ROOT: Final = "LiveChannelConfiguration"
SHAPE: Final = texts(
    "Description",
    "Status",
    Target=texts("Type", "FragDuration", "FragCount", "PlaylistName"),
    Snapshot=texts("RoleName", "DestBucket", "NotifyTopic", "Interval"),
)

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"
_SUFFIX: Final = ".m3u8"
_FRAGMENT_S: Final = 5  # OSS, as the next two: what is left out is this
_FRAGMENTS: Final = 3
_PLAYLIST: Final = "playlist.m3u8"


class Snapshot(Struct, frozen=True):
    """Kept and shown."""

    role: str
    bucket: str
    topic: str
    every_s: int


class LiveChannel(Struct, frozen=True):
    """`modified_at`: Unix seconds. `fragment_s`, `fragments`: how long a segment is, and how many a playlist has."""

    status: str
    modified_at: int
    description: str = ""
    fragment_s: int = _FRAGMENT_S
    fragments: int = _FRAGMENTS
    playlist: str = _PLAYLIST
    snapshot: Snapshot | None = None


def read(document: Element, now: int) -> LiveChannel:
    """A LiveChannelConfiguration of now, Unix seconds. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT,
    INVALID_REQUEST."""
    target, snapshot = need_one(document, "Target"), find_one(document, "Snapshot")
    if need_text(target, "Type") != "HLS":
        raise _bad("Type must be HLS.", "Type", need_text(target, "Type"))
    duration = find_number(target, "FragDuration", least=1, most=LIVE_FRAGMENTS_MAX)
    count = find_number(target, "FragCount", least=1, most=LIVE_FRAGMENTS_MAX)
    if (duration is None) != (count is None):
        raise malformed("FragDuration and FragCount go together.")
    return LiveChannel(
        find_choice(document, "Status", (ENABLED, DISABLED)) or ENABLED,
        now,
        _read_description(document),
        _FRAGMENT_S if duration is None else duration,
        _FRAGMENTS if count is None else count,
        check_playlist(find_text(target, "PlaylistName") or _PLAYLIST),
        None if snapshot is None else _read_snapshot(snapshot),
    )


def check_name(name: str) -> str:
    """The same name. Raises: OssError INVALID_CHANNEL_NAME."""
    if "/" in name:
        raise INVALID_CHANNEL_NAME("ChannelName must not contain a slash.", ChannelName=name)
    if len(name.encode()) > LIVE_CHANNEL_NAME_MAX_BYTES:
        raise INVALID_CHANNEL_NAME(ChannelName=name)
    return name


def check_playlist(name: str) -> str:
    """The same name. Raises: OssError INVALID_REQUEST, INVALID_ARGUMENT."""
    if not name.endswith(_SUFFIX):
        raise INVALID_REQUEST('Playlist name must ends with ".m3u8".', PlaylistName=name[:128])
    if not LIVE_PLAYLIST_MIN_BYTES <= len(name.encode()) <= LIVE_PLAYLIST_MAX_BYTES:
        raise _bad(
            f"PlaylistName has {LIVE_PLAYLIST_MIN_BYTES} to {LIVE_PLAYLIST_MAX_BYTES} bytes.", "PlaylistName", name
        )
    return name


def check_status(status: str) -> str:
    """The same status. Raises: OssError INVALID_ARGUMENT."""
    if status not in (ENABLED, DISABLED):
        raise _bad(f"status must be {ENABLED} or {DISABLED}.", "status", status)
    return status


def write(channel: LiveChannel) -> list[Node]:
    nodes: list[Node] = [
        ("Description", channel.description),
        ("Status", channel.status),
        (
            "Target",
            [
                ("Type", "HLS"),
                ("FragDuration", channel.fragment_s),
                ("FragCount", channel.fragments),
                ("PlaylistName", channel.playlist),
            ],
        ),
    ]
    return nodes if channel.snapshot is None else [*nodes, ("Snapshot", _snapshot_nodes(channel.snapshot))]


def to_json(channel: LiveChannel) -> str:
    return write_stored(channel)


@lru_cache(maxsize=256)
def from_json(text: str) -> LiveChannel:
    return read_stored(LiveChannel, text)


def _read_description(document: Element) -> str:
    text = find_text(document, "Description") or ""
    if len(text.encode()) > LIVE_CHANNEL_DESCRIPTION_MAX_BYTES:
        raise _bad(f"Description has at most {LIVE_CHANNEL_DESCRIPTION_MAX_BYTES} bytes.", "Description", text)
    return text


def _read_snapshot(element: Element) -> Snapshot:
    every_s = find_number(element, "Interval", least=1, most=LIVE_FRAGMENTS_MAX)
    if every_s is None:
        raise malformed("Snapshot needs Interval.")
    role, bucket, topic = (need_text(element, name) for name in ("RoleName", "DestBucket", "NotifyTopic"))
    return Snapshot(role, bucket, topic, every_s)


def _snapshot_nodes(snapshot: Snapshot) -> list[Node]:
    return [
        ("RoleName", snapshot.role),
        ("DestBucket", snapshot.bucket),
        ("NotifyTopic", snapshot.topic),
        ("Interval", snapshot.every_s),
    ]


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
