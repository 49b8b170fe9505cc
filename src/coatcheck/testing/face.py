"""The server as a test sees it: where it is, clients for it, what it holds, its clock, its faults, what arrived."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

from msgspec import Struct

from coatcheck import Presigner

Told = dict[str, Any]
_TIMEOUT_S: Final = 60.0


class Controls(Protocol):
    """The way to a server's controls."""

    def ask(self, name: str, document: Mapping[str, Any]) -> Told:
        """What the control tells. Raises: Refused."""
        ...


class Key(Struct, frozen=True):
    """Who signs: the owner, a user made for a test, or, with a token, the session of a role."""

    name: str
    access_key_id: str
    access_key_secret: str
    security_token: str = ""


class Role(Struct, frozen=True):
    """What may be assumed: `arn` is what AssumeRole takes."""

    name: str
    arn: str


class Request(Struct, frozen=True):
    """One request that arrived; see `coatcheck.testing.records.Record`."""

    number: int
    at: float
    request_id: str
    method: str
    path: str
    operation: str
    bucket: str
    key: str
    caller: str
    status: int
    code: str
    why: str
    sent_bytes: int
    whole: bool
    fault: int

    def __str__(self) -> str:
        """One line: what it was, and why it was refused."""
        where = "/".join(part for part in (self.bucket, self.key) if part)
        ended = f"{self.status or 'no answer'} {self.code}".rstrip()
        line = f"{self.operation or self.method} {where} by {self.caller or 'nobody'}: {ended}"
        return f"{line}: {self.why}" if self.why else line


class Requests(Sequence[Request]):
    """What arrived since the last reset, in order; asked for anew each time."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def _all(self, **document: Any) -> list[Request]:
        return [Request(**told) for told in self._controls.ask("requests", document)["requests"]]

    def __getitem__(self, place: Any) -> Any:
        return self._all()[place]

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Request]:
        return iter(self._all())

    def refused(self) -> list[Request]:
        """Those that were refused, or that got no answer."""
        return self._all(refused=True)

    def of(self, operation: str) -> list[Request]:
        """Those of one operation, by OSS's name: "GetObject"."""
        return [request for request in self if request.operation == operation]

    def clear(self) -> None:
        """Forget them."""
        self._controls.ask("requests-clear", {})


class ServerClock:
    """The server's clock. Lifecycle rules have been carried out when a move to another day returns."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def now(self) -> float:
        """Unix seconds."""
        return float(self._controls.ask("clock", {})["now"])

    def move(self, **far: float) -> float:
        """Ahead by so many `hours`, `days`, `minutes`, `seconds` or `weeks`, or back; what it says then."""
        return float(self._controls.ask("clock-move", {"seconds": timedelta(**far).total_seconds()})["now"])

    def at(self, moment: float | str | datetime) -> float:
        """To a moment: Unix seconds, ISO 8601 text or datetime, UTC unless it says otherwise; what it says then."""
        given = moment.isoformat() if isinstance(moment, datetime) else moment
        return float(self._controls.ask("clock-at", {"at": given})["now"])

    def freeze(self) -> float:
        """It stands still, and can still be moved; what it says."""
        return float(self._controls.ask("clock-freeze", {})["now"])

    def go_on(self) -> float:
        """From where it stands; what it says."""
        return float(self._controls.ask("clock-go-on", {})["now"])


class Fault:
    """A fault in force; as a context manager, until its block ends."""

    def __init__(self, controls: Controls, number: int) -> None:
        self._controls = controls
        self.id = number
        self._ended: Told | None = None

    def _told(self) -> Told:
        if self._ended is not None:
            return self._ended
        faults: list[Told] = self._controls.ask("faults", {})["faults"]
        return next((told for told in faults if told["id"] == self.id), {"hit": 0, "fitted": 0})

    @property
    def hits(self) -> int:
        """Requests that it befell."""
        return int(self._told()["hit"])

    @property
    def fitted(self) -> int:
        """Requests that it was about: those that it befell, and those that `nth`, `times` or chance let pass."""
        return int(self._told()["fitted"])

    def remove(self) -> None:
        """End it; what it counted can still be read."""
        if self._ended is None:
            self._ended = self._controls.ask("fault-remove", {"id": self.id})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """Faults on demand. Every method takes which requests it is for: `operation`, `bucket`, `key` (a pattern), `nth`,
    `times`, `probability` with a `seed`; see `coatcheck.testing.rules.SHAPE`."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add(self, **rule: Any) -> Fault:
        """Any rule: `add(operation="GetObject", code="InternalError", nth=2)`. Raises: Refused."""
        return Fault(self._controls, self._controls.ask("fault", rule)["id"])

    def refuse(self, code: str, **which: Any) -> Fault:
        """With any code of the error table."""
        return self.add(code=code, **which)

    def throttle(self, **which: Any) -> Fault:
        """503 SlowDown."""
        return self.add(code="SlowDown", **which)

    def expired_token(self, **which: Any) -> Fault:
        """403 SecurityTokenExpired, as when an STS token has ended."""
        return self.add(code="SECURITY_TOKEN_EXPIRED", **which)

    def wrong_region(self, **which: Any) -> Fault:
        """403 AccessDenied: the bucket has to be addressed by another endpoint."""
        return self.add(code="WRONG_ENDPOINT", **which)

    def delay(self, seconds: float, **which: Any) -> Fault:
        """An answer so much later."""
        return self.add(delay_s=seconds, **which)

    def slow_body(self, bytes_per_s: float, **which: Any) -> Fault:
        """A reply's body no faster than that."""
        return self.add(bytes_per_s=bytes_per_s, **which)

    def cut(self, after_bytes: int, **which: Any) -> Fault:
        """The connection ends behind so many bytes of a reply's body."""
        return self.add(cut_after=after_bytes, **which)

    def reset(self, **which: Any) -> Fault:
        """The connection ends without an answer."""
        return self.add(reset=True, **which)

    def truncate_upload(self, after_bytes: int, **which: Any) -> Fault:
        """The connection ends when so many bytes of the upload have come; nothing is stored."""
        return self.add(truncate_upload=after_bytes, **which)

    def wrong_crc(self, **which: Any) -> Fault:
        """The reply names another CRC-64 than that of the content."""
        return self.add(wrong_crc=True, **which)

    def clear(self) -> None:
        """End all."""
        self._controls.ask("faults-clear", {})


class Users:
    """Who may ask besides the owner."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def create(self, *, policy: Any = None, name: str = "") -> Key:
        """A user with a key, who may do what the policy allows, and nothing else.

        Args:
            policy: a document as dict or text, the name of a policy that every server has, or a list of such.
        Raises: Refused.
        """
        return Key(**self._controls.ask("user", _given(name=name, policy=policy)))

    def create_role(self, *, policy: Any = None, name: str = "") -> Role:
        """A role that the owner and users may assume by STS. Raises: Refused."""
        return Role(**self._controls.ask("role", _given(name=name, policy=policy)))


def _given(**values: Any) -> Told:
    return {name: value for name, value in values.items() if value}


class Bucket:
    """A bucket of the owner's."""

    def __init__(self, oss: Oss, name: str) -> None:
        self._oss = oss
        self.name = name

    def __str__(self) -> str:
        return self.name

    def put(self, key: str, content: bytes | str = b"", **headers: str) -> None:
        """Store an object; "_" in the names of headers stands for "-"."""
        body = content.encode() if isinstance(content, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._oss.send("PUT", self.name, key, body, named)

    def get(self, key: str) -> bytes:
        """The object's content."""
        return self._oss.send("GET", self.name, key)

    def put_tree(self, path: str | Path) -> list[str]:
        """Store every file below a directory under its path there; the keys."""
        root, keys = Path(path), []
        for file in sorted(each for each in root.rglob("*") if each.is_file()):
            keys.append(file.relative_to(root).as_posix())
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._oss.send("PUT", self.name, keys[-1], file.read_bytes(), {"Content-Type": kind})
        return keys


class Oss:
    """One server, for a test. `controls` lead to it; `facts` are those of its ready line.

    Attributes:
        endpoint: "http://127.0.0.1:PORT"; buckets stand in the path.
        region: "cn-hangzhou", unless it was started with another.
        key: the owner's.
    """

    def __init__(self, controls: Controls, facts: Mapping[str, str]) -> None:
        self._controls = controls
        self.endpoint, self.region = facts["endpoint"], facts["region"]
        self.key = Key("owner", facts["access_key_id"], facts["access_key_secret"])
        self.clock = ServerClock(controls)
        self.faults = Faults(controls)
        self.requests = Requests(controls)
        self.users = Users(controls)
        self._buckets = 0

    # --- what it holds ---

    def reset(self) -> None:
        """Everything goes: buckets, users, faults, records; the clock shows real time again."""
        self._controls.ask("reset", {})

    def bucket(self, name: str = "", *, versioned: bool = False, public: bool = False) -> Bucket:
        """Make a bucket; without a name one is made up. Raises: Refused."""
        self._buckets += not name
        given = name or f"bucket-{self._buckets}"
        self._controls.ask("bucket", {"name": given, "versioned": versioned, "public": public})
        return Bucket(self, given)

    def put_tree(self, path: str | Path, bucket: str = "") -> Bucket:
        """Store every file below a directory in a new bucket, under its path there."""
        made = self.bucket(bucket)
        made.put_tree(path)
        return made

    def run_lifecycle(self) -> dict[str, int]:
        """Carry lifecycle rules out now; how many of each kind."""
        done: dict[str, int] = self._controls.ask("lifecycle", {})["done"]
        return done

    # --- who asks it ---

    def assume(self, role: Role, *, by: Key | None = None, duration_s: int = 3600, policy: Any = None) -> Key:
        """A temporary key from the server's STS.

        Args:
            by: a user who may assume roles ("AliyunSTSAssumeRoleAccess"); the owner if None.
            policy: a document that narrows what the role may do.
        Raises: Refused.
        """
        from .assuming import assume_role

        key, options = by or self.key, {"DurationSeconds": str(duration_s)}
        if policy:
            options["Policy"] = policy if isinstance(policy, str) else json.dumps(policy)
        made = assume_role(self.endpoint, key.access_key_id, key.access_key_secret, role.arn, **options)
        return Key(role.name, *made)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that SDKs and tools read."""
        return {
            "OSS_ACCESS_KEY_ID": self.key.access_key_id,
            "OSS_ACCESS_KEY_SECRET": self.key.access_key_secret,
            "OSS_ENDPOINT": self.endpoint,
            "OSS_REGION": self.region,
        }

    def presign(self, method: str, bucket: str | Bucket, key: str, *, by: Key | None = None, **options: Any) -> str:
        """A V4 link, signed by the server's clock; `options` as for `Presigner.presign`."""
        options.setdefault("now", self.clock.now())
        return self.presigner(by).presign(method, str(bucket), key, **options).url

    def presigner(self, by: Key | None = None) -> Presigner:
        """For links of the owner, or of a user."""
        key = by or self.key
        token = key.security_token or None
        return Presigner(
            key.access_key_id, key.access_key_secret, security_token=token, region=self.region, endpoint=self.endpoint
        )

    def oss2(self, bucket: str | Bucket, by: Key | None = None, **options: Any) -> Any:
        """An `oss2.Bucket`; `options` go to it."""
        from .clients import make_oss2

        return make_oss2(self, str(bucket), by or self.key, options)

    def v2(self, by: Key | None = None, **options: Any) -> Any:
        """An `alibabacloud_oss_v2.Client`; `options` are set on its configuration."""
        from .clients import make_v2

        return make_v2(self, by or self.key, options)

    def ali_oss(self, bucket: str | Bucket = "", by: Key | None = None) -> dict[str, Any]:
        """The options of ali-oss for Node, ready for JSON."""
        from .clients import ali_oss_options

        return ali_oss_options(self, str(bucket), by or self.key)

    def send(
        self, method: str, bucket: str, key: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """One request of the owner's; what it got. Raises: AssertionError, for a refusal."""
        options: dict[str, Any] = {"headers": headers} if headers else {}
        url = urlsplit(self.presign(method, bucket, key, **options))
        connection = HTTPConnection(url.netloc, timeout=_TIMEOUT_S)
        try:
            connection.request(method, f"{url.path}?{url.query}", body, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, f"{method} {bucket}/{key}: {answer.status} {content.decode('utf-8', 'replace')}"
        return content


@contextmanager
def patched(environment: dict[str, str], values: Mapping[str, str]) -> Iterator[None]:
    """The environment with other values, until the block ends."""
    before = {name: environment.get(name) for name in values}
    environment.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
