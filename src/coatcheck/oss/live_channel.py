"""The operations on live channels: their documents and states. No stream comes in here, so no channel is ever live.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from coatcheck.configurations import live_channel
from coatcheck.configurations.live_channel import ENABLED, KIND, LiveChannel
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVALID_REQUEST,
    NO_SUCH_LIVE_CHANNEL,
    TOO_MANY_LIVE_CHANNELS,
    OssError,
)
from coatcheck.core.limits import LIVE_CHANNELS_PER_BUCKET, VOD_SPAN_MAX_S
from coatcheck.core.percent import encode_path
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node
from coatcheck.ports.catalog import EntryChange
from coatcheck.wire.reply import Reply
from coatcheck.wire.target import is_path_style

from .arguments import read_document, read_list_text, read_max_keys
from .call import Call
from .configuration import show
from .entries_kept import change_entry, drop_entry, find_entry, list_entries

_MOMENT_MAX_CHARS: Final = 11


async def put_live_channel(call: Call) -> Reply:
    """PutLiveChannel: in place of one of that name."""
    name = live_channel.check_name(call.key)
    channel = live_channel.read(await read_document(call.request, live_channel.ROOT), int(call.now))
    await _change(call, name, lambda _: live_channel.to_json(channel))
    return show("CreateLiveChannelResult", _addresses(call, name, channel))


async def put_live_channel_status(call: Call) -> Reply:
    """PutLiveChannelStatus."""
    name, status = call.key, live_channel.check_status(call.request.query.get("status") or "")

    def change(before: str | None) -> str:
        if before is None:
            raise NO_SUCH_LIVE_CHANNEL(ChannelName=name)
        return live_channel.to_json(replace(live_channel.from_json(before), status=status))

    await _change(call, name, change)
    return Reply(200)


async def get_live_channel_info(call: Call) -> Reply:
    """GetLiveChannelInfo."""
    return show(live_channel.ROOT, live_channel.write(await _find(call)))


async def get_live_channel_stat(call: Call) -> Reply:
    """GetLiveChannelStat: nobody is ever connected."""
    channel = await _find(call)
    return show("LiveChannelStat", [("Status", "Idle" if channel.status == ENABLED else "Disabled")])


async def get_live_channel_history(call: Call) -> Reply:
    """GetLiveChannelHistory: nobody ever was."""
    await _find(call)
    return show("LiveChannelHistory", [])


async def list_live_channel(call: Call) -> Reply:
    """ListLiveChannel: a page by name, behind `marker`."""
    query = call.request.query
    prefix, marker, most = read_list_text(query, "prefix"), read_list_text(query, "marker"), read_max_keys(query)
    entries, more = await list_entries(call, KIND, prefix=prefix, marker=marker, limit=most)
    nodes: list[Node] = [
        ("Prefix", prefix),
        ("Marker", marker),
        ("MaxKeys", most),
        ("IsTruncated", "true" if more else "false"),
        *([("NextMarker", entries[-1][0])] if more else []),
        *(("LiveChannel", _summary(call, name, live_channel.from_json(document))) for name, document in entries),
    ]
    return show("ListLiveChannelResult", nodes)


async def delete_live_channel(call: Call) -> Reply:
    """DeleteLiveChannel: what was stored of its streams stays; fine if there is none."""
    await drop_entry(call, KIND, call.key)
    return Reply(204)


async def post_vod_playlist(call: Call) -> Reply:
    """PostVodPlaylist, at the address CHANNEL/PLAYLIST: there is never anything to list, since no stream comes in."""
    channel, _, playlist = call.key.rpartition("/")
    live_channel.check_playlist(playlist)
    raise await _nothing_recorded(call, channel)


async def get_vod_playlist(call: Call) -> Reply:
    """GetVodPlaylist: as PostVodPlaylist."""
    raise await _nothing_recorded(call, call.key)


async def _nothing_recorded(call: Call, channel: str) -> OssError:
    """Raises: OssError INVALID_ARGUMENT, NO_SUCH_LIVE_CHANNEL."""
    start, end = (_read_moment(call, name) for name in ("startTime", "endTime"))
    if not 0 < end - start < VOD_SPAN_MAX_S:
        raise INVALID_ARGUMENT("endTime must be later than startTime, by less than a day.", ArgumentName="endTime")
    await _find(call, channel)
    return INVALID_REQUEST("No ts found in the playlist.", ChannelName=channel)


def _read_moment(call: Call, name: str) -> int:
    text = call.request.query.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOMENT_MAX_CHARS):
        raise INVALID_ARGUMENT(f"{name} must be Unix seconds.", ArgumentName=name, ArgumentValue=text[:32])
    return int(text)


async def _find(call: Call, name: str | None = None) -> LiveChannel:
    """The channel of that name, or the addressed one. Raises: OssError NO_SUCH_LIVE_CHANNEL."""
    name = call.key if name is None else name
    document = await find_entry(call, KIND, name)
    if document is None:
        raise NO_SUCH_LIVE_CHANNEL(ChannelName=name)
    return live_channel.from_json(document)


async def _change(call: Call, name: str, change: EntryChange) -> None:
    await change_entry(call, KIND, name, change, most=LIVE_CHANNELS_PER_BUCKET, crowded=TOO_MANY_LIVE_CHANNELS)


def _summary(call: Call, name: str, channel: LiveChannel) -> list[Node]:
    return [
        ("Name", name),
        ("Description", channel.description),
        ("Status", channel.status),
        ("LastModified", write_iso(channel.modified_at)),
        *_addresses(call, name, channel),
    ]


def _addresses(call: Call, name: str, channel: LiveChannel) -> list[Node]:
    """Where a stream would be sent to, though nobody listens; and where its playlist is read, in the caller's style."""
    bucket, request, path = call.this_bucket, call.request, encode_path(name)
    endpoint = f"{bucket.name}.oss-{bucket.region}.{call.settings.domains[0]}"
    mount = f"/{bucket.name}" if is_path_style(request, call.target) else ""
    scheme = "https" if request.secure else "http"
    playlist = f"{scheme}://{request.host}{mount}/{path}/{encode_path(channel.playlist)}"
    return [
        ("PublishUrls", [("Url", f"rtmp://{endpoint}/live/{path}")]),
        ("PlayUrls", [("Url", playlist)]),
    ]
