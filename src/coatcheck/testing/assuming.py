"""A temporary key by the protocol: AssumeRole, signed as STS's clients sign it."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from coatcheck.clock import wall_date
from coatcheck.signing.rpc import rpc_string_to_sign, sign_rpc

from .documents import Refused

_TIMEOUT_S: Final = 60.0


class Session(NamedTuple):
    """A temporary key."""

    access_key_id: str
    access_key_secret: str
    security_token: str


def assume_role(endpoint: str, access_key_id: str, secret: str, arn: str, **options: str) -> Session:
    """Ask for it.

    Args:
        options: parameters of AssumeRole besides the role: RoleSessionName, DurationSeconds, Policy.
    Raises: Refused, with STS's words.
    """
    parameters = {
        "Action": "AssumeRole",
        "Version": "2015-04-01",
        "Format": "JSON",
        "RoleArn": arn,
        "RoleSessionName": "test",
        "AccessKeyId": access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(16),
        "Timestamp": _write(wall_date()),
        **options,
    }
    pairs = sorted(parameters.items())
    parameters["Signature"] = sign_rpc(secret, rpc_string_to_sign("POST", pairs))
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=_TIMEOUT_S)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/", urlencode(parameters), headers)
        told = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "Credentials" not in told:
        raise Refused(f"{told.get('Code')}: {told.get('Message')}")
    key = told["Credentials"]
    return Session(key["AccessKeyId"], key["AccessKeySecret"], key["SecurityToken"])


def _write(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
