"""PostObject as browsers and PyPI's requests send it."""

from __future__ import annotations

import base64
import datetime
import hmac
import json
from typing import Any

import requests

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .conftest import make_bucket
from .raw import send


def test_a_form_made_by_the_presigner_uploads_once_and_for_its_key_alone(live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    form = a_presigner(live_server.endpoint).post_form(
        bucket, "from/${filename}", max_bytes=3_000_000, fields={"success_action_status": "201"}
    )
    content = bytes(range(256)) * 8192
    answer = requests.post(form.url, data=form.fields, files={"file": ("ü.bin", content, "image/png")}, timeout=HANG_S)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/xml")
    got = send(a_presigner(live_server.endpoint).presign("GET", bucket, "from/ü.bin").url)
    assert (got.body == content, got.headers["content-type"]) == (True, "image/png")
    refused = requests.post(form.url, data=form.fields | {"key": "to/a"}, files={"file": ("a", b"x")}, timeout=HANG_S)
    assert (refused.status_code, "Policy Condition failed" in refused.text) == (403, True)
    large = requests.post(form.url, data=form.fields, files={"file": ("a", b"x" * 3_000_001)}, timeout=HANG_S)
    assert (large.status_code, "EntityTooLarge" in large.text) == (400, True)


def test_a_form_signed_as_oss_documents_v1(live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    policy: dict[str, Any] = {
        "expiration": f"{end:%Y-%m-%dT%H:%M:%S.000Z}",
        "conditions": [{"bucket": bucket}, ["content-length-range", 1, 10]],
    }
    text = base64.b64encode(json.dumps(policy).encode())
    fields = {
        "key": "a.txt",
        "OSSAccessKeyId": ACCESS_KEY_ID,
        "policy": text.decode(),
        "Signature": base64.b64encode(hmac.digest(ACCESS_KEY_SECRET.encode(), text, "sha1")).decode(),
        "success_action_redirect": "http://127.0.0.1/done",
    }
    url = f"{live_server.endpoint}/{bucket}"
    answer = requests.post(url, data=fields, files={"file": b"hello"}, timeout=HANG_S, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"http://127.0.0.1/done?bucket={bucket}&key=a.txt&etag=%22")
