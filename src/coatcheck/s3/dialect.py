"""What is in the S3 dialect is known from the start; the pipeline that answers it is loaded with the first request."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from coatcheck.core.errors import OssError
from coatcheck.exchange import Exchange
from coatcheck.oss.pipeline import Pipeline
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Reads, Snapshot
from coatcheck.settings import ServerSettings
from coatcheck.signing.s3_form_scheme import is_oss_form, is_s3_form
from coatcheck.signing.s3_schemes import OSS_MARKS, is_signed_as_s3
from coatcheck.wire.form import Form, is_multipart
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Addressing, Target, is_s3_host

if TYPE_CHECKING:
    from .pipeline import S3Pipeline


def is_s3(request: Request, addressing: Addressing) -> bool:
    """Whether a request is in the S3 dialect: by its signature, then by its headers, then by the host it names."""
    if is_signed_as_s3(request):
        return True
    first, headers = request.query.first, request.headers
    if "x-oss-signature" in first or "authorization" in headers or not OSS_MARKS.isdisjoint(first):
        return False
    names = "\n".join(headers)
    if "x-oss-" in names:
        return False
    return "x-amz-" in names or is_s3_host(request.host, addressing)


class S3Dialect:
    """One a process."""

    def __init__(
        self, oss: Pipeline, reads: Reads, keyring: KeyUse, addressing: Addressing, settings: ServerSettings
    ) -> None:
        self._made_with = oss, reads, keyring, addressing, settings
        self._addressing = addressing
        self.regions = settings.regions
        oss.other_forms = self

    @cached_property
    def _pipeline(self) -> S3Pipeline:
        from .pipeline import S3Pipeline

        return S3Pipeline(*self._made_with)

    def takes(self, request: Request) -> bool:
        """Questions of browsers are of no dialect, and forms say theirs in their fields (`takes_form`)."""
        method = request.method
        if method == "OPTIONS" or (method == "POST" and is_multipart(request)):
            return False
        return is_s3(request, self._addressing)

    def takes_form(self, request: Request, fields: Mapping[str, str]) -> bool:
        return is_s3_form(fields) or (not is_oss_form(fields) and is_s3(request, self._addressing))

    def answer(self, exchange: Exchange) -> Awaitable[Reply]:
        return self._pipeline.answer(exchange)

    def answer_form(
        self, exchange: Exchange, target: Target, bucket: Bucket | None, snapshot: Snapshot, form: Form
    ) -> Awaitable[Reply]:
        return self._pipeline.answer_form(exchange, target, bucket, snapshot, form)

    def refuse(self, exchange: Exchange, error: OssError) -> Reply:
        return self._pipeline.refuse(exchange, error)
