"""Just enough of an OSS server, in this process, that misbehaves on demand: what the real one never does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from coatcheck.core.digests import update_crc64

DATE = "Thu, 05 Mar 2026 07:08:09 GMT"
ISO = "2026-03-05T07:08:09.000Z"


@dataclass
class Fake:
    """The server's memory and its bad habits.

    Attributes:
        buckets: bucket -> key -> bytes.
        seen: "METHOD target" of each request, with its Range: ("GET /b/k", "bytes=0-9").
        headers: put on every object reply, over the usual ones.
        cuts: for each of the next object replies, after how many body bytes the connection is cut.
        refusals: for each of the next requests, (status, code, message) instead of an answer.
        answers_ranges, tells_length, tells_crc64: switch off what other servers lack.
        on_get: called before each object GET, e.g. to change the object.
        redirects: path -> Location.
        acls: bucket -> its ACL, if it isn't private.
    """

    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    sent_headers: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    refusals: list[tuple[int, str, str]] = field(default_factory=list)
    answers_ranges: bool = True
    tells_length: bool = True
    tells_crc64: bool = True
    on_get: Any = None
    redirects: dict[str, str] = field(default_factory=dict)
    acls: dict[str, str] = field(default_factory=dict)
    page_keys: int = 1000
    endpoint: str = ""

    def store(self, bucket: str, key: str, body: bytes) -> str:
        """Put an object there; returns a link to it (this server never looks at signatures)."""
        self.buckets.setdefault(bucket, {})[key] = body
        return f"{self.endpoint}/{bucket}/{quote(key)}?x-oss-signature=0"

    def ranges(self) -> list[str | None]:
        return [header for _, header in self.seen]


@contextmanager
def fake_server() -> Iterator[Fake]:
    fake = Fake()

    class Handler(_Handler):
        server_fake = fake

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_fake: Fake
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *args: Any) -> None: ...

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        fake = self.server_fake
        fake.seen.append((f"{self.command} {self.path}", self.headers.get("Range")))
        fake.sent_headers.append({name.lower(): value for name, value in self.headers.items()})
        body = self._read_body()
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path[1:]).partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path in fake.redirects:
            self._reply(302, b"", {"Location": fake.redirects[parts.path]})
        elif fake.refusals:
            self._refuse(*fake.refusals.pop(0))
        elif not bucket:
            self._list_buckets()
        elif not key:
            self._answer_bucket(bucket, query, body)
        elif bucket not in fake.buckets:
            self._refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
        else:
            self._answer_object(bucket, key, body)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = _answer

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer_bucket(self, bucket: str, query: dict[str, str], body: bytes) -> None:
        fake = self.server_fake
        if self.command == "PUT":
            fake.buckets.setdefault(bucket, {})
            self._reply(200, b"")
        elif bucket not in fake.buckets:
            self._refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
        elif self.command == "DELETE":
            if fake.buckets[bucket]:
                self._refuse(409, "BucketNotEmpty", "The bucket has objects. Please delete them first.")
            else:
                del fake.buckets[bucket]
                self._reply(204, b"")
        elif self.command == "POST":
            keys = [_unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", body.decode(), re.DOTALL)]
            for key in keys:
                fake.buckets[bucket].pop(key, None)
            gone = "".join(f"<Deleted><Key>{quote(key)}</Key></Deleted>" for key in keys)
            self._reply(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
        elif "acl" in query:
            grant = f"<Grant>{fake.acls.get(bucket, 'private')}</Grant>"
            self._reply(200, f"<Result><AccessControlList>{grant}</AccessControlList></Result>".encode())
        elif "location" in query:
            self._reply(200, b"<LocationConstraint>oss-cn-hangzhou</LocationConstraint>")
        else:
            self._list(bucket, query)

    def _list_buckets(self) -> None:
        names = "".join(
            f"<Bucket><Name>{name}</Name><CreationDate>{ISO}</CreationDate><Location>oss-cn-hangzhou</Location></Bucket>"
            for name in sorted(self.server_fake.buckets)
        )
        text = f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>"
        self._reply(200, text.encode())

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        objects, prefix = self.server_fake.buckets[bucket], query.get("prefix", "")
        lines: dict[str, str] = {}
        for key in sorted(key for key in objects if key.startswith(prefix)):
            head, slash, _ = key.removeprefix(prefix).partition("/")
            if query.get("delimiter") and slash:
                folder = f"{prefix}{head}/"
                lines[folder] = f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>"
            else:
                lines[key] = (
                    f"<Contents><Key>{quote(key)}</Key><LastModified>{ISO}</LastModified><ETag>&quot;E&quot;</ETag>"
                    f"<Size>{len(objects[key])}</Size><StorageClass>Standard</StorageClass></Contents>"
                )
        after = query.get("continuation-token", "")
        names = [name for name in lines if name.encode().hex() > after]
        limit = min(int(query["max-keys"]), self.server_fake.page_keys)
        page, more = names[:limit], len(names) > limit
        token = f"<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>" if more else ""
        text = "".join(lines[name] for name in page)
        truncated = f"<IsTruncated>{json.dumps(more)}</IsTruncated>"
        self._reply(200, f"<ListBucketResult>{truncated}{token}{text}</ListBucketResult>".encode())

    def _answer_object(self, bucket: str, key: str, body: bytes) -> None:
        fake = self.server_fake
        objects = fake.buckets[bucket]
        if self.command == "PUT":
            objects[key] = body
            crc64 = {"x-oss-hash-crc64ecma": str(update_crc64(body)), "ETag": '"E"'}
            self._reply(200, b"", {**crc64, **fake.headers})
        elif self.command == "DELETE":
            objects.pop(key, None)
            self._reply(204, b"")
        else:
            if fake.on_get:
                fake.on_get(fake)
            if key not in objects:
                self._refuse(404, "NoSuchKey", "The specified key does not exist.")
            else:
                self._send_object(objects[key])

    def _send_object(self, body: bytes) -> None:
        fake = self.server_fake
        crc64 = update_crc64(body)
        headers = {"ETag": f'"{crc64:016X}"', "Last-Modified": DATE, "Accept-Ranges": "bytes"}
        if fake.tells_crc64:
            headers["x-oss-hash-crc64ecma"] = str(crc64)
        if self.headers.get("If-Match") not in (None, headers["ETag"]):
            self._refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
            return
        if not fake.answers_ranges:
            del headers["Accept-Ranges"]
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, last = (int(found[1]), int(found[2] or len(body) - 1)) if found else (0, len(body))
        status = 200
        if found and fake.answers_ranges and last < len(body):  # as OSS: a range that ends beyond is answered whole
            status, headers["Content-Range"] = 206, f"bytes {start}-{last}/{len(body)}"
            body = body[start : last + 1]
        self._reply(status, body, {**headers, **fake.headers}, cut=fake.cuts.pop(0) if fake.cuts else None)

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>RID</RequestId></Error>"
        self._reply(status, text.encode())

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        chunked = not self.server_fake.tells_length
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        if self.command == "HEAD":
            return
        text = b"%x\r\n%s\r\n" % (len(body), body) if chunked and body else body
        self.wfile.write(text[:cut] + (b"0\r\n\r\n" if chunked and cut is None else b""))
        self.close_connection = cut is not None


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&#13;", "\r").replace("&amp;", "&")
