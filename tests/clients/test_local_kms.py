"""KMS and SM4 with local keys, asked for by official SDKs, through a kill and a rotation of the master key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
from click.testing import CliRunner

from coatcheck.cli import main

from ..server_process import ServerProcess
from .conftest import make_bucket
from .test_bucket_configurations import an_oss2_bucket
from .test_sdk_v2 import a_client

SMALL, LARGE = b"plain text of the small one", b"plain text of the large one. " * 20_000


def said(result: Any) -> tuple[Any, Any, Any]:
    names = ("", "-key-id")
    algorithm, key_id = [result.headers.get(f"x-oss-server-side-encryption{name}") for name in names]
    return algorithm, key_id, result.headers.get("x-oss-server-side-data-encryption")


def check(server: ServerProcess, bucket: str) -> None:
    v2 = a_client(server)
    for key, content in {"small": SMALL, "large": LARGE}.items():
        got = v2.get_object(oss.GetObjectRequest(bucket=bucket, key=key))
        assert (got.body.read(), said(got)) == (content, ("KMS", "team/k-1", "SM4"))
        head = v2.head_object(oss.HeadObjectRequest(bucket=bucket, key=f"{key}-sm4"))
        assert (said(head), head.content_length) == (("SM4", None, None), len(content))
    for path in [path for path in server.data.rglob("*") if path.is_file()]:
        assert b"plain text of the" not in path.read_bytes(), path


def test_what_was_acknowledged_survives_a_kill_and_a_rotation(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", "--local-kms", workers=1)
    try:
        bucket = make_bucket(server)
        v2, v1 = a_client(server), an_oss2_bucket(server, bucket)
        rule = oss.ServerSideEncryptionRule(
            apply_server_side_encryption_by_default=oss.ApplyServerSideEncryptionByDefault(
                sse_algorithm="KMS", kms_master_key_id="team/k-1", kms_data_encryption="SM4"
            )
        )
        v2.put_bucket_encryption(oss.PutBucketEncryptionRequest(bucket=bucket, server_side_encryption_rule=rule))
        shown = v1.get_bucket_encryption()
        assert (shown.sse_algorithm, shown.kms_master_keyid, shown.kms_data_encryption) == ("KMS", "team/k-1", "SM4")
        for key, content in {"small": SMALL, "large": LARGE}.items():
            put = v2.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=content))
            assert said(put) == ("KMS", "team/k-1", "SM4")
            put = v2.put_object(
                oss.PutObjectRequest(bucket=bucket, key=f"{key}-sm4", body=content, server_side_encryption="SM4")
            )
            assert said(put) == ("SM4", None, None)
        check(server, bucket)
        server.kill()
        server = ServerProcess(tmp_path / "data", workers=1)  # without the setting
        check(server, bucket)
        with pytest.raises(oss2.exceptions.OssError) as refused:
            an_oss2_bucket(server, bucket).put_object("another", b"plain text of the next one")
        assert refused.value.code == "KmsServiceNotEnabled"
        server.stop()
        rotated = CliRunner().invoke(main, ["encryption", "rotate", "--data", str(server.data)])
        assert rotated.exit_code == 0, rotated.output
        server = ServerProcess(tmp_path / "data", "--local-kms", workers=1)
        check(server, bucket)
    finally:
        server.kill()
