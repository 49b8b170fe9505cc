"""Objects that a bucket doesn't have, fetched from the server that its website names, and stored: each once at a time.

It is done as who set the rule up, who is decided on each time. Whoever asked first may get the content while it is
stored; it is stored whole, even if they leave. Who asks meanwhile waits.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct, field

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.clock import Clock
from coatcheck.configurations.mirror import address
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    FILE_ALREADY_EXISTS,
    INCOMPLETE_BODY,
    INVALID_DIGEST,
    MIRROR_BUSY,
    MIRROR_FAILED,
    NO_SUCH_KEY,
    OssError,
)
from coatcheck.core.limits import (
    FETCH_REDIRECTS_MAX,
    MIRROR_HOPS_MAX,
    MIRROR_SHOWN_MAX_BYTES,
    MIRROR_THROUGH_MIN_BYTES,
    MIRROR_WAIT_S,
    MIRRORS_AT_ONCE,
    MIRRORS_OF_BUCKET,
)
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.fetched import Wanted, kept_headers, store_fetched
from coatcheck.operations.mirroring import Missing, Moved, Passing, Shown
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.fetcher import Fetched, Source
from coatcheck.ports.notifier import Forbidden, Unreachable
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.ports.worm import BUCKET_WORM

from .acting import Identities, act_as, context_of
from .key_locks import KeyLocks
from .notices import Notices, Stopped
from .passing import Tee

_AGENT: Final = ("User-Agent", "aliyun-oss-mirror")
_LOOP: Final = "CDN-Loop"  # RFC 8586
_LOOK_S: Final = 0.05  # whether another process has come to its end
_BAD_MD5: Final = "MD5 in header() is not equal to MD5 calculated."
_SHORT: Final = "Bytes read is not equal to expected."

_Outcome = Passing | Moved | Shown | OssError | None


class _Fetch(Struct):
    """One that is under way.

    Attributes:
        first: what whoever asked first gets; known before `ended` where that is Passing.
        ended: what all others get.
    """

    first: asyncio.Future[_Outcome]
    ended: asyncio.Task[_Outcome] | None = None


class MirrorRuns(Struct):
    """See `operations.mirroring.Mirrors`. One a process; `locks` keeps the processes of a server apart."""

    ports: Ports
    identities: Identities
    notices: Notices
    clock: Clock
    locks: KeyLocks | None = None
    _running: dict[tuple[int, str], _Fetch] = field(default_factory=dict)
    _of_bucket: Counter[int] = field(default_factory=Counter)

    async def fetch(self, missing: Missing) -> Passing | Moved | Shown | None:
        mark = _mark(missing)
        place = missing.bucket.bucket_id, missing.key
        running = self._running.get(place)
        if running is None:
            outcome = await asyncio.shield(self._begin(place, missing, mark).first)
        else:
            assert running.ended is not None
            await asyncio.wait([running.ended], timeout=MIRROR_WAIT_S)
            outcome = running.ended.result() if running.ended.done() else MIRROR_BUSY()
        if isinstance(outcome, OssError):
            raise outcome
        return outcome

    async def close(self) -> None:
        """What is under way is cut off, and not stored."""
        ended = [fetch.ended for fetch in self._running.values() if fetch.ended is not None]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        if self.locks is not None:
            self.locks.close()

    def _begin(self, place: tuple[int, str], missing: Missing, mark: str) -> _Fetch:
        """Raises: OssError MIRROR_BUSY."""
        if len(self._running) >= MIRRORS_AT_ONCE or self._of_bucket[place[0]] >= MIRRORS_OF_BUCKET:
            raise MIRROR_BUSY()
        running = self._running[place] = _Fetch(asyncio.get_running_loop().create_future())
        self._of_bucket[place[0]] += 1
        running.ended = asyncio.create_task(self._run(running, place, missing, mark))
        return running

    async def _run(self, running: _Fetch, place: tuple[int, str], missing: Missing, mark: str) -> _Outcome:
        """It ends, whatever happens, with what the others get."""
        outcome: _Outcome = MIRROR_FAILED()
        try:
            async with self._alone(place):
                found = await self.ports.catalog.find_object(*place)
                there = found is not None and found.kind != DELETE_MARKER
                outcome = None if there else await self._try(running, missing, mark)
        except OssError as error:
            outcome = error
        finally:
            del self._running[place]
            self._of_bucket -= Counter([place[0]])
            if not running.first.done():
                running.first.set_result(outcome)
        return outcome

    @asynccontextmanager
    async def _alone(self, place: tuple[int, str]) -> AsyncIterator[None]:
        """While no other process of this server fetches the key. Raises: OssError MIRROR_BUSY."""
        if self.locks is None:
            yield
            return
        try:
            async with asyncio.timeout(MIRROR_WAIT_S):
                while not self.locks.take(*place):  # noqa: ASYNC110  another process has it, which sets no event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise MIRROR_BUSY() from None
        try:
            yield
        finally:
            self.locks.give_back(*place)

    async def _try(self, running: _Fetch, missing: Missing, mark: str) -> _Outcome:
        work = f"mirror bucket={missing.bucket.name}"
        try:
            context, grant = await self._may(missing)
        except (Stopped, OssError) as error:
            self.notices.ended(work, error)
            return MIRROR_FAILED()
        try:
            async with AsyncExitStack() as opened:
                fetched = await self._ask(missing, mark, opened)
                outcome: _Outcome = await _show(missing, fetched) or _refused(missing, fetched)
                outcome = outcome or await self._store(running, missing, fetched, (context, grant))
        except Unreachable:
            return MIRROR_FAILED()
        except OssError as error:
            if error.fault is FILE_ALREADY_EXISTS:  # somebody was faster
                return None
            return _said(error, self.notices, work)
        except Exception as error:
            self.notices.ended(work, Stopped("the address is private") if isinstance(error, Forbidden) else error)
            return MIRROR_FAILED()
        self.notices.goes(work)
        return outcome

    async def _may(self, missing: Missing) -> tuple[Context, Grant]:
        """Raises: Stopped, OssError: who set it up may not store the object any more."""
        caller = await act_as(missing.author, self.identities)
        bucket = await self.ports.catalog.find_bucket(missing.bucket.name)
        if bucket is None or bucket.bucket_id != missing.bucket.bucket_id:
            raise Stopped("the bucket is gone")
        if not may_mirror(bucket):
            raise Stopped("a bucket with versions, or with a retention policy, can't mirror")
        context = context_of(self.ports, caller, self.clock())
        return context, context.decide(Action.PUT_OBJECT, bucket, missing.key)

    async def _ask(self, missing: Missing, mark: str, opened: AsyncExitStack) -> Fetched:
        """The answer of the first server that doesn't fail, or of the last. Raises: Unreachable, Forbidden."""
        *firsts, last = missing.mirror.urls
        for url in firsts:
            try:
                fetched = await opened.enter_async_context(self.ports.fetcher.fetch(_source(missing, url, mark)))
            except Unreachable:
                continue
            if not _has_failed(missing, fetched):
                return fetched
            await opened.aclose()
        return await opened.enter_async_context(self.ports.fetcher.fetch(_source(missing, last, mark)))

    async def _store(self, running: _Fetch, missing: Missing, fetched: Fetched, may: tuple[Context, Grant]) -> _Outcome:
        mirror = missing.mirror
        md5 = _read_md5(fetched.headers) if mirror.check_md5 else None
        modified_at = _read_date(fetched.headers, self.clock()) if mirror.last_modified else None
        wanted = Wanted(md5=md5, metadata=mirror.metadata, modified_at=modified_at, forbid_overwrite=True)
        large = fetched.size is not None and fetched.size >= MIRROR_THROUGH_MIN_BYTES
        if not missing.through or not large or md5 is not None:
            await store_fetched(*may, fetched, wanted)
            return None
        tee = Tee()
        headers = kept_headers(fetched.headers, metadata=mirror.metadata)
        running.first.set_result(Passing(headers, tee.stream(fetched.size or 0)))
        try:
            await store_fetched(*may, fetched._replace(chunks=tee.pass_on(fetched.chunks)), wanted)
            await tee.stored()
        except BaseException:
            tee.failed()
            raise
        return None


def may_mirror(bucket: Bucket) -> bool:
    return not bucket.versioning and bucket.configuration(BUCKET_WORM) is None


def _source(missing: Missing, url: str, mark: str) -> Source:
    mirror = missing.mirror
    return Source(
        address(url, missing.from_key, missing.query),
        headers=mirror.headers_for(missing.headers),
        marks=(_AGENT, (_LOOP, mark)),
        redirects=FETCH_REDIRECTS_MAX if mirror.follow_redirect else 0,
    )


def _mark(missing: Missing) -> str:
    """What the other server is told of where the request has been. Raises: OssError MIRROR_FAILED, if that is here: a
    mirror that leads to itself would wait for itself."""
    bucket, been = missing.bucket, missing.headers.get(_LOOP.lower(), "")
    text = f"{bucket.owner} {bucket.bucket_id} {bucket.name} {bucket.created_at}".encode()
    mark = f"coatcheck;at={hashlib.blake2b(text, digest_size=12).hexdigest()}"
    if mark in been or been.count("coatcheck;") >= MIRROR_HOPS_MAX or not been.isascii() or not been.isprintable():
        raise MIRROR_FAILED(f"{MIRROR_FAILED.message} It leads back to where it began.")
    return f"{been}, {mark}" if been else mark


def _has_failed(missing: Missing, fetched: Fetched) -> bool:
    return fetched.status >= 500 or (missing.mirror.all_errors and fetched.status not in (200, 404))


async def _show(missing: Missing, fetched: Fetched) -> Shown | OssError | None:
    """What the client is to see as it is. Raises: Unreachable, if it breaks off."""
    if fetched.status not in missing.mirror.shown:
        return None
    body = bytearray()
    async for chunk in fetched.chunks:
        body += chunk
        if len(body) > MIRROR_SHOWN_MAX_BYTES:
            return MIRROR_FAILED(f"{MIRROR_FAILED.message} The answer is longer than {MIRROR_SHOWN_MAX_BYTES} bytes.")
    content_type = dict(kept_headers(fetched.headers, metadata=False))[b"content-type"].decode()
    return Shown(fetched.status, content_type, bytes(body))


def _refused(missing: Missing, fetched: Fetched) -> Moved | OssError | None:
    """None for an answer that is stored."""
    if fetched.status == 200:
        return None
    location = fetched.headers.get("location", "")
    if 300 <= fetched.status < 400 and location.isascii() and location.isprintable() and location:
        return Moved(fetched.status, location)
    return NO_SUCH_KEY(Key=missing.key) if fetched.status == 404 else MIRROR_FAILED()


def _said(error: OssError, notices: Notices, work: str) -> OssError:
    """What the client is told of a refusal while it was stored."""
    if error.fault is INVALID_DIGEST:
        return MIRROR_FAILED(_BAD_MD5)
    if error.fault is INCOMPLETE_BODY:
        return MIRROR_FAILED(_SHORT)
    if error.fault is not ENTITY_TOO_LARGE:
        notices.ended(work, error)
    return MIRROR_FAILED()


def _read_md5(headers: Mapping[str, str]) -> bytes | None:
    try:
        md5 = base64.b64decode(headers.get("content-md5", ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return md5 if md5 or "content-md5" in headers else None


def _read_date(headers: Mapping[str, str], now: float) -> int | None:
    """Unix seconds, not of a time to come; None where there is none."""
    try:
        return max(0, min(int(parsedate_to_datetime(headers.get("last-modified", "")).timestamp()), int(now)))
    except (ValueError, TypeError, OverflowError):
        return None
