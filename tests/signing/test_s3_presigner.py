"""Links and forms of S3, byte for byte those of botocore: recorded ones, and those of the one that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, unquote

import pytest

from coatcheck import PresignError, S3Presigner

from ..each import each
from .builders import BUCKET, NOW, Vector
from .s3_builders import CREDENTIALS, s3_vectors

SIGNATURE = ("X-Amz-", "AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token")
# Of other signers than botocore, of the service, and parameters without "=".
LINKS = [
    vector
    for vector in s3_vectors("query", "v2-query")
    if "raw" not in vector["id"] and vector["id"] != "query.list-buckets"
]


def by_id(vector: Vector) -> str:
    return str(vector["id"])


def a_presigner(vector: Vector, **more: Any) -> tuple[S3Presigner, bool, str | None]:
    """A presigner for the vector's key and address; whether the bucket is in the path; the object's key."""
    keys = CREDENTIALS[vector["credentials"]]
    scheme, _, rest = vector["request"]["url"].partition("?")[0].partition("://")
    host, _, path = rest.partition("/")
    in_path = not host.startswith(f"{BUCKET}.")
    raw = path.partition("/")[2] if in_path else path
    presigner = S3Presigner(
        keys["access_key_id"],
        keys["access_key_secret"],
        security_token=keys["security_token"],
        endpoint=f"{scheme}://{host.removeprefix(BUCKET + '.')}",
        **more,
    )
    return presigner, in_path, unquote(raw) or None


@each(LINKS, name=by_id)
def test_a_link_is_that_of_botocore(vector: Vector) -> None:
    sent = vector["request"]
    query = parse_qsl(sent["url"].partition("?")[2], keep_blank_values=True)
    version = "v2" if vector["kind"] == "v2-query" else "v4"
    region = "us-east-1" if "us-east-1" in vector["id"] else "cn-hangzhou"
    presigner, in_path, key = a_presigner(vector, region=region, signature_version=version)
    own = {name: value for name, value in query if not name.startswith(SIGNATURE) and name in _own_names(vector)}
    headers = {name: value for name, value in sent["headers"].items() if name != "Host"}
    given = dict(query)
    expires = int(given.get("X-Amz-Expires") or int(given["Expires"]) - NOW)
    link = presigner.presign(
        sent["method"],
        BUCKET,
        key,
        expires=expires,
        query=own,
        headers=headers,
        path_style=in_path,
        now=NOW,
    )
    assert link.url == sent["url"]
    assert link.signed_headers == (headers if version == "v4" else {})


def _own_names(vector: Vector) -> set[str]:
    """The parameters that aren't headers in another place."""
    query = parse_qsl(vector["request"]["url"].partition("?")[2], keep_blank_values=True)
    return {name for name, _ in query if not name.startswith("x-amz-") and name != "content-type"}


FORMS: dict[str, dict[str, Any]] = {
    "post.fixed-key": {"key": "a b/目.txt"},
    "post.conditions": {
        "fields": {"acl": "public-read", "Content-Type": "image/png"},
        "conditions": [["starts-with", "$Content-Type", "image/"], ["content-length-range", 1, 1048576]],
    },
    "post.metadata": {"fields": {"x-amz-meta-a": "b", "success_action_status": "201"}},
}


@each(s3_vectors("post"), name=by_id)
def test_a_form_is_that_of_botocore(vector: Vector) -> None:
    version = "v2" if vector["id"] == "post.v2" else "v4"
    presigner, in_path, _ = a_presigner(vector, region="cn-hangzhou", signature_version=version)
    options = {"key": "uploads/${filename}", "path_style": in_path, **FORMS.get(vector["id"], {})}
    form = presigner.post_form(BUCKET, **options, now=NOW)
    assert form.url == vector["request"]["url"]
    assert list(form.fields.items()) == list(vector["request"]["fields"].items())
    assert form.expires_at_s == NOW + 3600


@pytest.fixture
def frozen() -> Iterator[Any]:
    """A client of botocore whose clock stands still."""
    auth = pytest.importorskip("botocore.auth")
    signers = pytest.importorskip("botocore.signers")
    moment = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    # Where awscrt is installed, botocore has it sign, and it writes the same parameters in another order.
    own = {"s3v4-query": auth.S3SigV4QueryAuth}
    with (
        mock.patch.dict(auth.AUTH_TYPE_MAPS, own),
        mock.patch.object(auth, "get_current_datetime", return_value=moment),
        mock.patch.object(signers, "get_current_datetime", return_value=moment),
        mock.patch.object(auth.time, "time", return_value=float(NOW)),
    ):
        yield


@pytest.mark.parametrize("version", ["v4", "v2"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_installed_botocore_makes_the_same(frozen: None, version: str, style: str) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    config = pytest.importorskip("botocore.config").Config(
        signature_version={"v4": "s3v4", "v2": "s3"}[version], s3={"addressing_style": style}
    )
    endpoint = "http://s3.cn-hangzhou.example.com:8000"
    client = session.create_client(
        "s3",
        region_name="cn-hangzhou",
        endpoint_url=endpoint,
        aws_access_key_id="AnId",
        aws_secret_access_key="a secret",
        aws_session_token="a+token/=",
        config=config,
    )
    ours = S3Presigner(
        "AnId",
        "a secret",
        security_token="a+token/=",
        region="cn-hangzhou",
        endpoint=endpoint,
        signature_version=version,  # type: ignore[arg-type]
    )
    options: dict[str, Any] = {"expires": 60, "now": NOW, "path_style": style == "path"}
    for key in ("a.txt", "dir one/k+1", "目录/~x'(*)!.txt", "a//b/", "%41&?#"):
        for operation, method in (("get_object", "GET"), ("put_object", "PUT"), ("delete_object", "DELETE")):
            theirs = client.generate_presigned_url(operation, {"Bucket": "photos", "Key": key}, ExpiresIn=60)
            assert ours.presign(method, "photos", key, **options).url == theirs
        theirs = client.generate_presigned_url(
            "put_object", {"Bucket": "photos", "Key": key, "ContentType": "text/plain", "Metadata": {"a": "b"}}, 60
        )
        headers = {"x-amz-meta-a": "b", "Content-Type": "text/plain"}
        made = ours.presign("PUT", "photos", key, headers=headers, **options).url
        assert sorted(made.split("&")) == sorted(theirs.split("&"))
        posted = client.generate_presigned_post("photos", key, ExpiresIn=60)
        form = ours.post_form("photos", key, **options)
        assert (form.url, form.fields) == (posted["url"], posted["fields"])


@pytest.mark.parametrize(
    ("method", "key", "options"),
    [
        ("PATCH", "k", {}),
        ("GET", "", {}),
        ("GET", "k" * 1024, {}),
        ("GET", "\ud800", {}),
        ("GET", "k", {"expires": 0}),
        ("GET", "k", {"expires": 604801}),
        ("GET", "k", {"process": "image/info"}),
        ("GET", "k", {"traffic_limit": 819200}),
        ("GET", "k", {"internal": True}),
        ("GET", "k", {"additional_headers": ["range"]}),
        ("GET", "k", {"query": {"X-Amz-Date": "x"}}),
        ("GET", "k", {"headers": {"a\nb": "x"}}),
        ("GET", "k", {"headers": {"a": "x\r\ny"}}),
    ],
)
def test_what_cannot_be_signed_is_refused_with_a_sentence(method: str, key: str, options: dict[str, Any]) -> None:
    presigner = S3Presigner("AnId", "a secret", endpoint="http://127.0.0.1:8000")
    with pytest.raises(PresignError):
        presigner.presign(method, "photos", key, now=NOW, **options)


def test_a_link_of_version_2_names_an_object() -> None:
    presigner = S3Presigner("AnId", "a secret", endpoint="http://127.0.0.1:8000", signature_version="v2")
    with pytest.raises(PresignError, match="must name an object"):
        presigner.presign("GET", "photos", None)


def test_it_is_made_from_the_environment() -> None:
    with pytest.raises(PresignError, match="AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL"):
        S3Presigner.from_env({"AWS_ACCESS_KEY_ID": "AnId"})
    environ = {
        "AWS_ACCESS_KEY_ID": "AnId",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:8000",
    }
    presigner = S3Presigner.from_env(environ)
    assert repr(presigner) == "S3Presigner('AnId', region='us-east-1')"
    assert presigner.presign("GET", "photos", "k", now=NOW).url.startswith("http://127.0.0.1:8000/photos/k?X-Amz-")
