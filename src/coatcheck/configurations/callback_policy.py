"""Callbacks that a bucket keeps under a name, for uploads to ask for; and the base64 form that callbacks come in. Pure.

Source: OSS2 (the SDK), put_bucket_callback_policy; OSS API reference, Callback.
"""

from __future__ import annotations

import base64
import binascii
import json
from functools import lru_cache
from typing import Any, Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT, OssError
from coatcheck.core.limits import CALLBACK_MAX_BYTES, CALLBACK_POLICY_NAME_MAX_CHARS
from coatcheck.core.xml import Node

from .elements import find_text, malformed, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "callbackPolicy"
ROOT: Final = "BucketCallbackPolicy"
SHAPE: Final = texts(PolicyItem=texts("PolicyName", "Callback", "CallbackVar"))

BY_NAME: Final = "callbackPolicy"  # in a callback, names the one that is meant
VARIABLE: Final = "x:"  # begins the name of every variable
_NOT_JSON: Final = "The callback configuration is not json format."
_NO_VARIABLES: Final = "The callback var is not expecten json."  # OSS's own spelling


class PolicyItem(Struct, frozen=True):
    """`callback` and `variables` are base64 of JSON, as an upload would send them; "" for no variables."""

    name: str
    callback: str
    variables: str = ""


class CallbackPolicy(Struct, frozen=True):
    items: tuple[PolicyItem, ...] = ()

    def find(self, name: str) -> PolicyItem | None:
        return next((item for item in self.items if item.name == name), None)


def read(document: Element) -> CallbackPolicy:
    """A BucketCallbackPolicy. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    items = tuple(map(_read_item, document.findall("PolicyItem")))
    if not items:
        raise malformed("It needs a PolicyItem.")
    if len({item.name for item in items}) != len(items):
        raise INVALID_ARGUMENT("Each PolicyItem needs a name of its own.", ArgumentName="PolicyName")
    return CallbackPolicy(items)


def write(policy: CallbackPolicy) -> list[Node]:
    return [("PolicyItem", _item_nodes(item)) for item in policy.items]


def to_json(policy: CallbackPolicy) -> str:
    return write_stored(policy)


@lru_cache(maxsize=256)
def from_json(text: str) -> CallbackPolicy:
    return read_stored(CallbackPolicy, text)


def read_callback_text(text: str) -> dict[str, Any]:
    """What a callback in base64 says, whatever it is. Raises: OssError INVALID_ARGUMENT, in OSS's words."""
    return _decode(text, "callback", _NOT_JSON)


def read_variables_text(text: str) -> dict[str, str]:
    """The variables in base64; none for "". Raises: OssError INVALID_ARGUMENT, in OSS's words."""
    if not text:
        return {}
    document = _decode(text, "callback-var", _NO_VARIABLES)
    if not all(isinstance(value, str) for value in document.values()):
        raise bad_callback(_NO_VARIABLES)
    return document


def bad_callback(message: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName="callback")


def _read_item(element: Element) -> PolicyItem:
    name, callback = need_text(element, "PolicyName"), need_text(element, "Callback")
    variables = find_text(element, "CallbackVar") or ""
    if len(name) > CALLBACK_POLICY_NAME_MAX_CHARS:
        raise INVALID_ARGUMENT(
            f"PolicyName has at most {CALLBACK_POLICY_NAME_MAX_CHARS} characters.",
            ArgumentName="PolicyName",
            ArgumentValue=name[:128],
        )
    document = read_callback_text(callback)
    if BY_NAME in document:
        raise bad_callback("A callback policy can't ask for another one.")
    if not document.get("callbackUrl"):
        raise bad_callback("The callback url configuration is invalid.")
    if not document.get("callbackBody"):
        raise bad_callback("The callback body is empty.")
    read_variables_text(variables)
    return PolicyItem(name, callback, variables)


def _item_nodes(item: PolicyItem) -> list[Node]:
    return [("PolicyName", item.name), ("Callback", item.callback), ("CallbackVar", item.variables)]


def _decode(text: str, name: str, not_json: str) -> dict[str, Any]:
    """The JSON object that is meant."""
    if len(text) > CALLBACK_MAX_BYTES:
        raise bad_callback(f"The length of {name} exceed max value.")
    try:
        decoded = base64.b64decode(text.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        raise bad_callback(f"The {name} configuration is not base64 encoded.") from None
    try:
        document = json.loads(decoded)
    except (ValueError, RecursionError):
        raise bad_callback(not_json) from None
    if not isinstance(document, dict):
        raise bad_callback(not_json)
    return document
