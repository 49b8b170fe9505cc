"""coatcheck: object storage you host yourself, speaking the Alibaba Cloud OSS protocol, and its presigned links.

`from coatcheck import Presigner` makes links without loading the server: the names below are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coatcheck.signing.explain import Explanation as Explanation
    from coatcheck.signing.explain import explain as explain
    from coatcheck.signing.presign import Credentials as Credentials
    from coatcheck.signing.presign import PresignedUrl as PresignedUrl
    from coatcheck.signing.presign import Presigner as Presigner
    from coatcheck.signing.presign import presign as presign
    from coatcheck.signing.refusal import PresignError as PresignError
    from coatcheck.signing.refusal import PresignWarning as PresignWarning

__version__ = "0.1.0"

_HOMES = {
    "Credentials": "coatcheck.signing.presign",
    "Explanation": "coatcheck.signing.explain",
    "PresignError": "coatcheck.signing.refusal",
    "PresignWarning": "coatcheck.signing.refusal",
    "PresignedUrl": "coatcheck.signing.presign",
    "Presigner": "coatcheck.signing.presign",
    "explain": "coatcheck.signing.explain",
    "presign": "coatcheck.signing.presign",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'coatcheck' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
