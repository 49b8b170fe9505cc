"""The official STS clients: ali-oss's OSS.STS, and PyPI's core SDK; and what their keys open."""

from __future__ import annotations

import base64
import datetime
import hmac
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import oss2
import pytest
import requests

from coatcheck.signing.rpc import rpc_string_to_sign

from ..server_process import ServerProcess
from .conftest import Put
from .identities import Signer, a_user, coatcheck
from .programs import run_node


@pytest.fixture(scope="module")
def role(live_server: ServerProcess) -> str:
    """The ARN of a role that may do everything with objects, and trusts its account."""
    arn = coatcheck(live_server, "role", "create", "live-role")["arn"]
    coatcheck(live_server, "role", "attach", "live-role", "AliyunOSSFullAccess")
    return str(arn)


@pytest.fixture(scope="module")
def asker(live_server: ServerProcess) -> Signer:
    """A user who may assume roles, and nothing else."""
    return a_user(live_server, "AliyunSTSAssumeRoleAccess")


def test_ali_oss_gets_a_key_and_uses_it(
    live_server: ServerProcess, bucket: str, put: Put, role: str, asker: Signer
) -> None:
    put("for-node", b"hello")
    facts = {"bucket": bucket, "arn": role, "id": asker.access_key_id, "secret": asker.access_key_secret}
    told = {fact.pop("name"): fact for fact in run_node("sts.js", "ali-oss", live_server, **facts)}
    assert told["assumeRole"] == {"id": "STS.", "status": 200}
    assert told["wrong role"] == {"code": "EntityNotExist.Role"}
    assert told["too short"] == {"code": "InvalidParameter.DurationSeconds"}
    for version in ("v4", "v1"):
        assert told[version] == {"body": "hello", "put": "AccessDenied"}
    assert told["link"] == {"status": 200, "body": "hello"}


def assume_role(server: ServerProcess, signer: Signer, role: str, **given: Any) -> dict[str, Any]:
    """By PyPI's aliyun-python-sdk-core."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is of an age
        from aliyunsdkcore.client import AcsClient
        from aliyunsdkcore.request import CommonRequest

        client = AcsClient(signer.access_key_id, signer.access_key_secret, "cn-hangzhou")
        request = CommonRequest(domain=f"{server.host}:{server.port}", version="2015-04-01", action_name="AssumeRole")
        request.set_protocol_type("http")
        request.set_method("POST")
        request.set_accept_format("json")
        for name, value in {"RoleArn": role, "RoleSessionName": "python", **given}.items():
            request.add_query_param(name, value)
        answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
    return answer


def test_the_core_sdk_gets_a_key_and_oss2_uses_it(
    live_server: ServerProcess, bucket: str, put: Put, role: str, asker: Signer
) -> None:
    put("for-python", b"hello")
    key = assume_role(live_server, asker, role, DurationSeconds=900)["Credentials"]
    auth = oss2.StsAuth(key["AccessKeyId"], key["AccessKeySecret"], key["SecurityToken"], auth_version="v4")
    place = oss2.Bucket(auth, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)
    assert place.get_object("for-python").read() == b"hello"
    assert place.put_object("for-python", b"again").status == 200
    coatcheck(live_server, "role", "detach", "live-role", "AliyunOSSFullAccess")
    with pytest.raises(oss2.exceptions.AccessDenied):
        place.get_object("for-python")
    coatcheck(live_server, "role", "attach", "live-role", "AliyunOSSFullAccess")
    assert place.get_object("for-python").read() == b"again"


def test_a_role_that_is_deleted_ends_its_sessions(
    live_server: ServerProcess, bucket: str, put: Put, asker: Signer
) -> None:
    put("brief", b"x")
    arn = coatcheck(live_server, "role", "create", "brief-role")["arn"]
    coatcheck(live_server, "role", "attach", "brief-role", "AliyunOSSReadOnlyAccess")
    key = assume_role(live_server, asker, arn)["Credentials"]
    auth = oss2.StsAuth(key["AccessKeyId"], key["AccessKeySecret"], key["SecurityToken"], auth_version="v4")
    place = oss2.Bucket(auth, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)
    assert place.get_object("brief").read() == b"x"
    coatcheck(live_server, "role", "delete", "brief-role")
    with pytest.raises(oss2.exceptions.ServerError) as refusal:
        place.get_object("brief")
    assert refusal.value.code == "InvalidSecurityToken"


def test_a_signed_request_is_answered_once_by_all_workers(live_server: ServerProcess, role: str, asker: Signer) -> None:
    """The same bytes on new connections, which the kernel gives to any worker; and all at once."""
    given = {
        "Action": "AssumeRole",
        "Version": "2015-04-01",
        "Format": "JSON",
        "RoleArn": role,
        "RoleSessionName": "once",
        "AccessKeyId": asker.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "b8e4a0c2",
        "Timestamp": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    text = rpc_string_to_sign("GET", list(given.items()))
    key = f"{asker.access_key_secret}&".encode()
    signature = base64.b64encode(hmac.digest(key, text.encode(), "sha1")).decode()
    url = f"{live_server.endpoint}/?{urlencode({**given, 'Signature': signature})}"

    def ask(_: int) -> tuple[int, str]:
        answer = requests.get(url, timeout=60)
        return answer.status_code, answer.json().get("Code", "")

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(ask, range(16)))
    assert answers == [(200, ""), *[(400, "SignatureNonceUsed")] * 15]
