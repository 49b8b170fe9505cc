"""Makes data-0.1.0.tar.gz: a data directory as the first release wrote it, with something of everything.

Run once, with a checkout of that release: `python -m tests.released.make CHECKOUT`. What is in it is said in
`contents.json` beside it, as the release itself answered for it.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from coatcheck.core.percent import decode
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.signed_request import sign_request

HERE: Final = Path(__file__).parent
ARCHIVE: Final = HERE / "data-0.1.0.tar.gz"
CONTENTS: Final = HERE / "contents.json"
REGION: Final = "cn-hangzhou"
LARGE: Final = b"".join(b"%07d\n" % number for number in range(13_000))  # more than fits in a row, and is a part

CONFIGURATIONS: Final[dict[str, tuple[str, str]]] = {  # sub-resource -> document, of every kind the release keeps
    "cors": (
        "xml",
        "<CORSConfiguration><CORSRule><AllowedOrigin>http://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
        "<AllowedMethod>PUT</AllowedMethod><AllowedHeader>X-Oss-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
        "<MaxAgeSeconds>600</MaxAgeSeconds></CORSRule><ResponseVary>true</ResponseVary></CORSConfiguration>",
    ),
    "referer": (
        "xml",
        "<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer><AllowTruncateQueryString>true"
        "</AllowTruncateQueryString><TruncatePath>false</TruncatePath><RefererList><Referer>http://www.example.com"
        "</Referer><Referer>https://*.example.org</Referer></RefererList><RefererBlacklist><Referer>http://bad.example.com"
        "</Referer></RefererBlacklist></RefererConfiguration>",
    ),
    "lifecycle": (
        "xml",
        "<LifecycleConfiguration><Rule><ID>old logs</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Tag><Key>k</Key>"
        "<Value>v</Value></Tag><Expiration><Days>365</Days></Expiration><Transition><Days>30</Days><StorageClass>IA"
        "</StorageClass></Transition></Rule><Rule><ID>uploads</ID><Prefix>up/</Prefix><Status>Disabled</Status>"
        "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload></Rule></LifecycleConfiguration>",
    ),
    "website": (
        "xml",
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix><SupportSubDir>true</SupportSubDir><Type>0</Type>"
        "</IndexDocument><ErrorDocument><Key>error.html</Key><HttpStatus>404</HttpStatus></ErrorDocument></WebsiteConfiguration>",
    ),
    "encryption": (
        "xml",
        "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
        "</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>",
    ),
    "tagging": (
        "xml",
        "<Tagging><TagSet><Tag><Key>team</Key><Value>a b&amp;c=d</Value></Tag><Tag><Key>空</Key><Value>值</Value></Tag>"
        "</TagSet></Tagging>",
    ),
    "httpsConfig": (
        "xml",
        "<HttpsConfiguration><TLS><Enable>true</Enable><TLSVersion>TLSv1.2</TLSVersion><TLSVersion>TLSv1.3</TLSVersion></TLS>"
        "<CipherSuite><Enable>false</Enable></CipherSuite></HttpsConfiguration>",
    ),
    "policy": (
        "json",
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:GetObject"], "Principal": ["*"], '
        '"Resource": ["acs:oss:*:*:configured/public/*"], '
        '"Condition": {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}}]}',
    ),
    "publicAccessBlock": (
        "xml",
        "<PublicAccessBlockConfiguration><BlockPublicAccess>false</BlockPublicAccess></PublicAccessBlockConfiguration>",
    ),
    "style&styleName=small": ("xml", "<Style><Content>image/resize,w_100</Content></Style>"),
    "style&styleName=grey.x": ("xml", "<Style><Content>image/resize,p_50/quality,q_90</Content></Style>"),
}
GIVEN_BACK: Final = ("etag", "x-oss-object-type", "x-oss-storage-class", "x-oss-hash-crc64ecma", "content-type")


class Client:
    """Signed requests by the official headers, over plain HTTP."""

    def __init__(self, endpoint: str, access_key_id: str, access_key_secret: str) -> None:
        address = urlsplit(endpoint)
        self._host, self._port = address.hostname or "", address.port or 80
        self._credentials = Credentials(access_key_id, access_key_secret)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """`path` is "/bucket/key?parameters" as it goes on the wire: status, headers in lower case, body."""
        raw_path, _, raw_query = path.partition("?")
        bucket, _, key = raw_path[1:].partition("/")
        pairs = [(name, decode(value)) for name, _, value in (p.partition("=") for p in raw_query.split("&") if p)]
        signed = sign_request(
            method,
            bucket or None,
            decode(key) or None,
            query=pairs,
            headers=dict(headers or {}),
            credentials=self._credentials,
            region=REGION,
            now=time.time(),
        )
        connection = http.client.HTTPConnection(self._host, self._port, timeout=60)
        try:
            connection.request(method, path, body, signed)
            answer = connection.getresponse()
            return answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def need(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        status, _, answered = self.ask(method, path, body, headers)
        assert status in (200, 204), (method, path, status, answered)
        return answered


def fill(client: Client) -> None:
    """Put something of everything there."""
    for bucket in ("plain", "configured", "versioned", "secure"):
        client.need("PUT", f"/{bucket}/", headers={"x-oss-acl": "public-read" if bucket == "plain" else "private"})
    for number in range(20):
        client.need("PUT", f"/plain/many/{number:02}.txt", b"number %d" % number)
    client.need(
        "PUT", "/plain/small%20%2B%E7%A9%BA.txt", b"small", {"x-oss-meta-colour": "red", "x-oss-tagging": "a=b"}
    )
    client.need("PUT", "/plain/large.bin", LARGE, {"content-type": "application/x-large", "cache-control": "no-cache"})
    client.need("PUT", "/plain/secret-small", b"hidden", {"x-oss-server-side-encryption": "AES256"})
    client.need("PUT", "/plain/secret-large", LARGE[1:], {"x-oss-server-side-encryption": "AES256"})
    client.need("PUT", "/plain/archived", b"cold", {"x-oss-storage-class": "Archive"})
    client.need("PUT", "/plain/private", b"mine", {"x-oss-object-acl": "private"})
    client.need("PUT", "/plain/copy.bin", headers={"x-oss-copy-source": "/plain/large.bin"})
    client.need("PUT", "/plain/link?symlink", headers={"x-oss-symlink-target": "large.bin"})
    client.need("POST", "/plain/log?append&position=0", b"first ")
    client.need("POST", "/plain/log?append&position=6", LARGE)
    upload(client, "/plain/parts.bin", complete=True)
    upload(client, "/plain/unfinished.bin", complete=False)
    client.need(
        "PUT", "/versioned/?versioning", b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    )
    for content in (b"one", b"two", LARGE):
        client.need("PUT", "/versioned/a.txt", content)
    client.need("DELETE", "/versioned/a.txt")
    client.need("PUT", "/versioned/b.txt", b"there")
    for sub_resource, (kind, document) in CONFIGURATIONS.items():
        client.need("PUT", f"/configured/?{sub_resource}", document.encode(), {"content-type": f"application/{kind}"})
    client.need("PUT", "/configured/index.html", b"<h1>index</h1>")


def upload(client: Client, path: str, *, complete: bool) -> None:
    started = re.search(rb"<UploadId>(.+)</UploadId>", client.need("POST", f"{path}?uploads"))
    assert started
    upload_id = quote(started[1].decode(), safe="")
    parts = ""
    for number in (1, 2):
        status, headers, _ = client.ask("PUT", f"{path}?partNumber={number}&uploadId={upload_id}", LARGE * number)
        assert status == 200
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['etag']}</ETag></Part>"
    if complete:
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        client.need("POST", f"{path}?uploadId={upload_id}", body)


def read_contents(client: Client) -> dict[str, Any]:
    """What a server answers for all that `fill` put there."""
    listed = client.need("GET", "/plain/?list-type=2&max-keys=1000").decode()
    keys = re.findall(r"<Key>(.*)</Key>", listed)
    objects = {f"plain/{key}": read_object(client, f"/plain/{quote(key)}") for key in keys}
    versions = client.need("GET", "/versioned/?versions").decode()
    for key, version_id in re.findall(r"<Version>\s*<Key>(.*)</Key>\s*<VersionId>(.*)</VersionId>", versions):
        objects[f"versioned/{key} {version_id}"] = read_object(client, f"/versioned/{key}?versionId={version_id}")
    configured = {}
    for sub_resource in CONFIGURATIONS:
        configured[sub_resource] = steady(client.need("GET", f"/configured/?{sub_resource}").decode())
    return {
        "keys": keys,
        "objects": objects,
        "markers": re.findall(r"<DeleteMarker>\s*<Key>(.*)</Key>\s*<VersionId>(.*)</VersionId>", versions),
        "uploads": re.findall(r"<UploadId>(.*)</UploadId>", client.need("GET", "/plain/?uploads").decode()),
        "configurations": configured,
    }


def read_object(client: Client, path: str) -> dict[str, Any]:
    status, headers, body = client.ask("GET", path)
    told: dict[str, Any] = {name: headers[name] for name in GIVEN_BACK if name in headers}
    meta = {name: value for name, value in headers.items() if name.startswith("x-oss-meta-")}
    return {"status": status, **told, **meta, "sha256": hashlib.sha256(body).hexdigest() if status == 200 else ""}


def steady(document: str) -> str:
    """A document without the blanks between its elements."""
    return re.sub(r">\s+<", "><", document).strip()


class Release:
    """The program of one checkout, on one data directory."""

    def __init__(self, checkout: Path, data: Path) -> None:
        self._data = data
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OSS_", "COATCHECK_"))}
        self._environment = {**kept, "PYTHONPATH": str(checkout / "src")}

    def command(self, *words: str) -> dict[str, Any]:
        """What a verb says as JSON; {} where it says nothing."""
        line = [sys.executable, "-m", "coatcheck", *words, "--data", str(self._data), "--json"]
        said = subprocess.run(line, env=self._environment, check=True, capture_output=True, text=True).stdout
        facts: dict[str, Any] = json.loads(said.splitlines()[0]) if said.strip() else {}
        return facts

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """A running server, and its endpoint."""
        words = ["serve", "--data", str(self._data), "--listen", "127.0.0.1:0", "--workers", "1", "--json"]
        line = [sys.executable, "-m", "coatcheck", *words]
        process = subprocess.Popen(line, env=self._environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())["endpoint"]

    def root(self) -> tuple[str, str]:
        stored = json.loads((self._data / "root-credentials.json").read_text())
        return stored["access_key_id"], stored["access_key_secret"]

    def make_identities(self) -> dict[str, Any]:
        """A user with a policy and a key, a role, an account, an own domain; what of these a test needs to know."""
        policy = self._data.with_name("policy.json")
        allowed = {"Effect": "Allow", "Action": "oss:Get*", "Resource": "acs:oss:*:*:plain/*"}
        policy.write_text(json.dumps({"Version": "1", "Statement": [allowed]}))
        self.command("user", "create", "alice")
        self.command("policy", "create", "reading", str(policy))
        self.command("user", "attach", "alice", "reading")
        key = self.command("key", "create", "--user", "alice")
        self.command("role", "create", "reader")
        self.command("role", "attach", "reader", "reading")
        account = self.command("account", "create", "acme")
        self.command("domain", "add", "files.example.com", "plain")
        self.command("https-only", "secure")
        return {"user_key": [key["access_key_id"], key["access_key_secret"]], "account": account["uid"]}


def main(checkout: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        release = Release(checkout, data)
        process, endpoint = release.serve()
        try:
            client = Client(endpoint, *release.root())
            fill(client)
            identities = release.make_identities()
            callback_key = client.need("GET", "/.coatcheck/callback-key.pem").decode()
            contents = {**read_contents(client), "identities": identities, "callback_key": callback_key}
        finally:
            process.terminate()
            process.wait()
        with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        CONTENTS.write_text(json.dumps(contents, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        write_archive(data)


def write_archive(data: Path) -> None:
    with tarfile.open(ARCHIVE, "w:gz") as archive:
        for path in sorted(data.rglob("*")):
            if path.is_file() and path.suffix != ".lock" and path.name not in ("catalog.changes", "catalog.links"):
                information = archive.gettarinfo(path, f"data/{path.relative_to(data)}")
                information.mtime = information.uid = information.gid = 0
                information.uname = information.gname = ""
                archive.addfile(information, io.BytesIO(path.read_bytes()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
