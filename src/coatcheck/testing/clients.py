"""Clients of the official SDKs, ready for a tested server. The SDK is the test's own, imported when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .face import Key, Oss


def make_oss2(oss: Oss, bucket: str, key: Key, options: Mapping[str, Any]) -> Any:
    """An `oss2.Bucket` that signs V4."""
    import oss2

    if key.security_token:
        auth: Any = oss2.StsAuth(key.access_key_id, key.access_key_secret, key.security_token, auth_version="v4")
    else:
        auth = oss2.AuthV4(key.access_key_id, key.access_key_secret)
    chosen = {"region": oss.region, "is_path_style": True, **options}
    return oss2.Bucket(auth, oss.endpoint, bucket, **chosen)


def make_v2(oss: Oss, key: Key, options: Mapping[str, Any]) -> Any:
    """An `alibabacloud_oss_v2.Client`."""
    import alibabacloud_oss_v2 as v2

    config = v2.config.load_default()
    config.credentials_provider = v2.credentials.StaticCredentialsProvider(
        key.access_key_id, key.access_key_secret, key.security_token or None
    )
    config.region, config.endpoint, config.use_path_style = oss.region, oss.endpoint, True
    for name, value in options.items():
        setattr(config, name, value)
    return v2.Client(config)


def ali_oss_options(oss: Oss, bucket: str, key: Key) -> dict[str, Any]:
    """What ali-oss's constructor takes, as JSON has it."""
    options: dict[str, Any] = {
        "accessKeyId": key.access_key_id,
        "accessKeySecret": key.access_key_secret,
        "endpoint": oss.endpoint,
        "region": f"oss-{oss.region}",
        "authorizationV4": True,
        "sldEnable": True,
    }
    if bucket:
        options["bucket"] = bucket
    if key.security_token:
        options["stsToken"] = key.security_token
    return options
