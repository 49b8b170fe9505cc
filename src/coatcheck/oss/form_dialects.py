"""Forms of two dialects are posted to the same addresses, and say in their fields which they are of."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

from coatcheck.core.errors import OssError
from coatcheck.exchange import Exchange
from coatcheck.operations.intake import body_fault
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.snapshot import Snapshot
from coatcheck.wire.form import Form, FormShare, read_form
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request
from coatcheck.wire.target import Target


class OtherForms(Protocol):
    """Another dialect, whose forms are posted to the same addresses."""

    def takes_form(self, request: Request, fields: Mapping[str, str]) -> bool:
        """Whether a form is its; without fields: whether it would be, if nothing in the fields said otherwise."""

    def answer_form(
        self, exchange: Exchange, target: Target, bucket: Bucket | None, snapshot: Snapshot, form: Form
    ) -> Awaitable[Reply]:
        """As `Pipeline.answer`, from where the fields have been read."""

    def refuse(self, exchange: Exchange, error: OssError) -> Reply:
        """A refusal in its words."""


async def read_posted(request: Request, share: FormShare) -> Form:
    """Up to the first byte of its file. Raises: OssError."""
    try:
        return await read_form(request, share)
    except BodyFailed as failure:
        raise body_fault(failure) from None
