"""What the presigner raises and warns of; both are part of the library's public face."""

from __future__ import annotations


class PresignError(ValueError):
    """What was asked for cannot be signed; the text says why, and what would work."""


class PresignWarning(UserWarning):
    """The link will stop working earlier than it says."""
