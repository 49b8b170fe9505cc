"""CORS, referers, own domains and HTTPS configurations as official SDKs make them and read them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
from alibabacloud_oss_v2.models import bucket_cname, bucket_cors, bucket_https_config, bucket_referer

from ..server_process import ServerProcess
from .conftest import make_bucket
from .programs import run_node
from .test_bucket_configurations import an_oss2_bucket
from .test_sdk_v2 import a_client


@pytest.fixture
def v2(live_server: ServerProcess) -> Any:
    return a_client(live_server)


@pytest.fixture
def new_bucket(live_server: ServerProcess) -> str:
    return make_bucket(live_server)


def code_of(call: Callable[..., Any], *arguments: Any) -> str:
    """The code of the refusal that SDK V2 raises."""
    with pytest.raises(oss.exceptions.OperationError) as refusal:
        call(*arguments)
    unwrapped = refusal.value.unwrap()
    assert isinstance(unwrapped, oss.exceptions.ServiceError)
    return str(unwrapped.code)


def test_cors_with_sdk_v2(v2: Any, new_bucket: str) -> None:
    rule = bucket_cors.CORSRule(["https://a.example"], ["GET", "PUT"], ["*"], ["ETag"], 60)
    rules = bucket_cors.CORSConfiguration([rule, bucket_cors.CORSRule(["*"], ["HEAD"])], True)
    v2.put_bucket_cors(oss.PutBucketCorsRequest(bucket=new_bucket, cors_configuration=rules))
    got = v2.get_bucket_cors(oss.GetBucketCorsRequest(bucket=new_bucket)).cors_configuration
    assert (got.cors_rules[0].allowed_methods, got.cors_rules[0].max_age_seconds) == (["GET", "PUT"], 60)
    assert (got.cors_rules[1].allowed_origins, got.response_vary) == (["*"], True)
    asked = oss.OptionObjectRequest(
        bucket=new_bucket,
        key="a",
        origin="https://a.example",
        access_control_request_method="PUT",
        access_control_request_headers="content-type",
    )
    allowed = v2.option_object(asked)
    assert allowed.access_control_allow_origin == "https://a.example"
    assert allowed.access_control_allow_methods == "GET, PUT"  # all that the rule allows
    v2.delete_bucket_cors(oss.DeleteBucketCorsRequest(bucket=new_bucket))
    assert code_of(v2.get_bucket_cors, oss.GetBucketCorsRequest(bucket=new_bucket)) == "NoSuchCORSConfiguration"


def test_referers_with_sdk_v2(v2: Any, new_bucket: str) -> None:
    rules = bucket_referer.RefererConfiguration(
        False,
        True,
        False,
        bucket_referer.RefererList(["http://a.example", "https://*.b.example"]),
        bucket_referer.RefererBlacklist(["http://evil.example"]),
    )
    v2.put_bucket_referer(oss.PutBucketRefererRequest(bucket=new_bucket, referer_configuration=rules))
    got = v2.get_bucket_referer(oss.GetBucketRefererRequest(bucket=new_bucket)).referer_configuration
    assert (got.allow_empty_referer, got.allow_truncate_query_string, got.truncate_path) == (False, True, False)
    assert got.referer_list.referers == ["http://a.example", "https://*.b.example"]
    assert got.referer_blacklist.referers == ["http://evil.example"]


def test_https_configuration_with_sdk_v2(v2: Any, new_bucket: str) -> None:
    off = v2.get_bucket_https_config(oss.GetBucketHttpsConfigRequest(bucket=new_bucket)).https_configuration
    assert off.tls.enable is False
    tls = bucket_https_config.TLS(True, ["TLSv1.2", "TLSv1.3"])
    configuration = bucket_https_config.HttpsConfiguration(tls)
    v2.put_bucket_https_config(oss.PutBucketHttpsConfigRequest(bucket=new_bucket, https_configuration=configuration))
    got = v2.get_bucket_https_config(oss.GetBucketHttpsConfigRequest(bucket=new_bucket)).https_configuration
    assert (got.tls.enable, got.tls.tls_versions) == (True, ["TLSv1.2", "TLSv1.3"])


def test_own_domains_with_sdk_v2(v2: Any, live_server: ServerProcess, new_bucket: str) -> None:
    name = f"{new_bucket}.v2.example.com"
    configuration = bucket_cname.BucketCnameConfiguration(bucket_cname.Cname(name))
    made = v2.create_cname_token(
        oss.CreateCnameTokenRequest(bucket=new_bucket, bucket_cname_configuration=configuration)
    ).cname_token
    got = v2.get_cname_token(oss.GetCnameTokenRequest(bucket=new_bucket, cname=name)).cname_token
    assert (got.token, got.cname, got.bucket) == (made.token, name, new_bucket)
    put = oss.PutCnameRequest(bucket=new_bucket, bucket_cname_configuration=configuration)
    assert code_of(v2.put_cname, put) == "NeedVerifyDomainOwnership"
    assert live_server.command("domain", "add", name, new_bucket).returncode == 0
    v2.put_cname(put)
    listed = v2.list_cname(oss.ListCnameRequest(bucket=new_bucket))
    assert [(cname.domain, cname.status) for cname in listed.cnames] == [(name, "Enabled")]
    v2.delete_cname(oss.DeleteCnameRequest(bucket=new_bucket, bucket_cname_configuration=configuration))
    assert not v2.list_cname(oss.ListCnameRequest(bucket=new_bucket)).cnames


def test_all_of_it_with_oss2(live_server: ServerProcess, new_bucket: str) -> None:
    client, models = an_oss2_bucket(live_server, new_bucket), oss2.models
    client.put_bucket_cors(models.BucketCors([models.CorsRule(["*"], ["GET"], ["x-oss-*"], ["ETag"], 9)]))
    rule = client.get_bucket_cors().rules[0]
    assert (rule.allowed_origins, rule.allowed_headers, rule.max_age_seconds) == (["*"], ["x-oss-*"], 9)
    client.delete_bucket_cors()
    client.put_bucket_referer(models.BucketReferer(False, ["http://a.example"]))
    got = client.get_bucket_referer()
    assert (got.allow_empty_referer, got.referers) == (False, ["http://a.example"])
    client.put_bucket_https_config(models.BucketTlsVersion(True, ["TLSv1.2", "TLSv1.3"]))
    tls = client.get_bucket_https_config()
    assert (tls.tls_enabled, tls.tls_version) == (True, ["TLSv1.2", "TLSv1.3"])
    token = client.create_bucket_cname_token(f"{new_bucket}.oss2.example.com")
    assert client.get_bucket_cname_token(f"{new_bucket}.oss2.example.com").token == token.token
    assert client.list_bucket_cname().bucket == new_bucket


def test_rules_with_ali_oss(live_server: ServerProcess, new_bucket: str) -> None:
    told = {fact.pop("name"): fact for fact in run_node("ali_oss_rules.js", "ali-oss", live_server, bucket=new_bucket)}
    assert told["putBucketCORS"] == {"status": 200}
    first, second = told["getBucketCORS"]["rules"]
    assert (first["allowedOrigin"], first["maxAgeSeconds"], second["allowedMethod"]) == ("*", "30", ["PUT", "HEAD"])
    assert told["deleteBucketCORS"] == {"status": 204}
    assert told["no rules"] == {"code": "NoSuchCORSConfiguration"}
    assert told["referers"] == {"allowEmpty": False, "referers": ["http://a.example", "http://*.b.example"]}
    assert told["deleteBucketReferer"] == {"status": 200}
