"""coatcheck: object storage you host yourself, speaking the Alibaba Cloud OSS protocol, and its presigned links.

`from coatcheck import Presigner` makes links without loading the server: the names below are imported on first use.
They are what a program may rely on; docs/python.md describes them, and the promise that goes with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coatcheck.client.arrived import AnsweredFile, ArrivedFile
    from coatcheck.client.link_info import LinkInfo, LinkRule, RefusalInfo, Ticket
    from coatcheck.client.links import Links
    from coatcheck.signing.credentials import Credentials
    from coatcheck.signing.explain import Explanation, explain
    from coatcheck.signing.options import FormOptions, LinkOptions, PostFormOptions, PresignOptions, Where
    from coatcheck.signing.post_form import PostForm
    from coatcheck.signing.presigned_url import PresignedUrl
    from coatcheck.signing.presigner import Presigner, presign
    from coatcheck.signing.refusal import PresignError, PresignWarning
    from coatcheck.signing.s3_presigner import S3Presigner
    from coatcheck.signing.signed_request import sign_request

__version__ = "0.1.0"

__all__ = [
    "AnsweredFile",
    "ArrivedFile",
    "Credentials",
    "Explanation",
    "FormOptions",
    "LinkInfo",
    "LinkOptions",
    "LinkRule",
    "Links",
    "PostForm",
    "PostFormOptions",
    "PresignError",
    "PresignOptions",
    "PresignWarning",
    "PresignedUrl",
    "Presigner",
    "RefusalInfo",
    "S3Presigner",
    "Ticket",
    "Where",
    "__version__",
    "explain",
    "presign",
    "sign_request",
]

_HOMES = {
    "AnsweredFile": "coatcheck.client.arrived",
    "ArrivedFile": "coatcheck.client.arrived",
    "Credentials": "coatcheck.signing.credentials",
    "Explanation": "coatcheck.signing.explain",
    "FormOptions": "coatcheck.signing.options",
    "LinkInfo": "coatcheck.client.link_info",
    "LinkOptions": "coatcheck.signing.options",
    "LinkRule": "coatcheck.client.link_info",
    "Links": "coatcheck.client.links",
    "Ticket": "coatcheck.client.link_info",
    "PostForm": "coatcheck.signing.post_form",
    "PostFormOptions": "coatcheck.signing.options",
    "PresignError": "coatcheck.signing.refusal",
    "PresignOptions": "coatcheck.signing.options",
    "PresignWarning": "coatcheck.signing.refusal",
    "PresignedUrl": "coatcheck.signing.presigned_url",
    "Presigner": "coatcheck.signing.presigner",
    "RefusalInfo": "coatcheck.client.link_info",
    "S3Presigner": "coatcheck.signing.s3_presigner",
    "Where": "coatcheck.signing.options",
    "explain": "coatcheck.signing.explain",
    "presign": "coatcheck.signing.presigner",
    "sign_request": "coatcheck.signing.signed_request",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'coatcheck' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
