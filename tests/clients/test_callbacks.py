"""Callbacks that official SDKs ask for, told to an application on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .test_sdk_v2 import a_client

HEARD: list[tuple[str, dict[str, str], bytes]] = []


class _Application(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        HEARD.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        answer = b'{"Status":"Ok"}' if "good" in self.path else b"not json"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def application() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Application) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def a_callback(url: str) -> str:
    body = '{"bucket":${bucket},"object":${object},"size":${size},"who":${x:who}}'
    return encoded({"callbackUrl": url, "callbackBody": body, "callbackBodyType": "application/json"})


def test_python_v2_gets_the_applications_answer(live_server: ServerProcess, bucket: str, application: str) -> None:
    result = a_client(live_server).put_object(
        oss.PutObjectRequest(
            bucket=bucket,
            key="called/ü.txt",
            body=b"hello",
            callback=a_callback(f"{application}/good%20one?a=b"),
            callback_var=encoded({"x:who": "me"}),
        )
    )
    assert json.loads(result.callback_result) == {"Status": "Ok"}
    path, headers, body = HEARD[-1]
    assert json.loads(body) == {"bucket": bucket, "object": "called/ü.txt", "size": 5, "who": "me"}
    key_url = base64.b64decode(headers["x-oss-pub-key-url"]).decode()
    assert key_url == f"{live_server.endpoint}/.coatcheck/callback-key.pem"
    key = serialization.load_pem_public_key(requests.get(key_url, timeout=HANG_S).content)
    assert isinstance(key, rsa.RSAPublicKey)
    assert path == "/good%20one?a=b"
    signed = b"/good one?a=b\n" + body
    key.verify(base64.b64decode(headers["authorization"]), signed, padding.PKCS1v15(), hashes.MD5())


def test_a_failed_callback_is_203_and_the_object_stays(
    live_server: ServerProcess, bucket: str, application: str
) -> None:
    client = oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), live_server.endpoint, bucket, is_path_style=True)
    headers = {"x-oss-callback": a_callback(f"{application}/bad")}
    result = client.put_object("called/b.txt", b"hello", headers=headers)
    assert (result.status, b"<Code>CallbackFailed</Code>" in result.resp.read()) == (203, True)
    assert client.get_object("called/b.txt").read() == b"hello"


def test_a_presigned_put_and_a_form_call_back(live_server: ServerProcess, bucket: str, application: str) -> None:
    presigner, callback = a_presigner(live_server.endpoint), a_callback(f"{application}/good")
    link = presigner.presign("PUT", bucket, "called/c.txt", query={"callback": callback})
    assert requests.put(link.url, data=b"hello", timeout=HANG_S).json() == {"Status": "Ok"}
    form = presigner.post_form(bucket, "called/d.txt", fields={"callback": callback, "x:who": "them"})
    assert requests.post(form.url, data=form.fields, files={"file": b"hello"}, timeout=HANG_S).json() == {
        "Status": "Ok"
    }
    assert json.loads(HEARD[-1][2])["who"] == "them"
    assert hashlib.md5(b"hello").hexdigest().upper() == a_client(live_server).head_object(
        oss.HeadObjectRequest(bucket=bucket, key="called/d.txt")
    ).etag.strip('"')
