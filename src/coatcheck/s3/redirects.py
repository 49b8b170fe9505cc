"""Where a website sends those who ask for an object, as its uploader says it: x-amz-website-redirect-location.

It is stored among the object's headers, under its own name; a website obeys it (`oss/website_visit.py`), everybody else
is told it. Source: Amazon S3 user guide, "Configuring a webpage redirect".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from coatcheck.core.limits import S3_REDIRECT_MAX_BYTES
from coatcheck.core.reply_headers import WEBSITE_REDIRECT, RawHeader
from coatcheck.core.s3_errors import S3_BAD_REDIRECT

_NAME: Final = WEBSITE_REDIRECT.decode()
# Within the website, never "//HOST" or what browsers take for it; or to an address that says its scheme.
_LOCATION: Final = re.compile(r"(?:/(?![/\\])|https?://[^/\\?#])[!-~]*", re.ASCII)


def read_redirect(named: Mapping[str, str]) -> tuple[RawHeader, ...]:
    """What an object stores of it, by headers or by the fields of a form. Raises: OssError S3_BAD_REDIRECT."""
    text = named.get(_NAME)
    if text is None:
        return ()
    if len(text) > S3_REDIRECT_MAX_BYTES or not _LOCATION.fullmatch(text):
        raise S3_BAD_REDIRECT()
    return ((WEBSITE_REDIRECT, text.encode()),)
