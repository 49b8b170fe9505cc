"""The renderer: a picture and what is asked of it -> another picture. Pictures are untrusted, whoever stored them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from msgspec import Struct, field

from .byte_store import BlobReader


class Picture(Struct, frozen=True):
    """A stored picture.

    Attributes:
        identity: text that no other content, and no other object or version, has.
        size: bytes.
        chunks: opens the content and yields it, when it is wanted. What it raises comes out of `render`.
        as_file: opens it as a file, where it is one: see `BlobReader.as_file`. What it raises comes out too.
        remember: what is made of it may be kept for the next who asks.
    """

    identity: str
    size: int
    chunks: Callable[[], AsyncGenerator[bytes | bytearray, None]]
    as_file: Callable[[], AbstractAsyncContextManager[int | None]] = nullcontext
    remember: bool = True


class Job(Struct, frozen=True):
    """What is to be done.

    Attributes:
        process: the text of the plan, which has been read without complaint (`images.text.read_plan`).
        source: the picture.
        marks: the pictures that the plan's watermarks name, by key.
        client, bucket: who asks (`core.addresses.name_client`), and for which bucket: jobs of the same wait for each
            other first.
    """

    process: str
    source: Picture
    marks: Mapping[str, Picture] = field(default_factory=dict)
    client: str = ""
    bucket: str = ""


class Rendered(Struct, frozen=True):
    """A result. `body` is the content, or an opened reader of it, to be closed by whoever got it."""

    content_type: str
    size: int
    body: bytes | BlobReader


class Renderer(Protocol):
    """Results may be remembered, by the identities of everything that went into them."""

    async def render(self, job: Job) -> Rendered:
        """Do the job, in bounded memory and time, without harm to the server whatever the picture does.

        Raises:
            OssError: what is wrong with the picture, or with the plan for this picture; RENDER_TOO_COSTLY;
                RENDERERS_BUSY, when too many wait, in all, of this client or for this bucket; NOT_IMPLEMENTED, when
                pictures can't be processed here.
        """
        ...
