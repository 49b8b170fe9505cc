"""An audit row as one line of JSON, which is what is kept; and the words by which rows are looked for in such lines.

[at_ms, account, link, bucket, key, version, operation, status, code, address, agent, sent_bytes, whole, ms, request_id]
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from msgspec.json import Encoder

from coatcheck.ports.link_audit import AuditRow, Question

_TEXT: Final = rb'"(?:[^"\\]|\\.)*+"'
_LINE: Final = re.compile(
    rb'\[[0-9]++,("[^"]*"),("[^"]*"),((%b,)%b),%b,"[^"]*",[0-9]++,"[^"]*",(%b),' % (_TEXT, _TEXT, _TEXT, _TEXT)
)
_TEXTS: Final = (1, 2, 3, 4, 5, 6, 8, 9, 10, 14)
_NUMBERS: Final = (0, 7, 11, 13)
_ENCODER: Final = Encoder()
_DELETE: Final = b"\x7f"


def write_rows(rows: Sequence[AuditRow]) -> bytes:
    """A line for each. Thousands a second are written: at once, where no text needs more than ASCII."""
    try:
        lines: bytes = _ENCODER.encode_lines(rows)
    except UnicodeEncodeError:
        lines = _DELETE
    return lines if lines.isascii() and _DELETE not in lines else b"".join(map(write_row, rows))


def write_row(row: AuditRow) -> bytes:
    """With its line feed; ASCII, whatever a stranger has put in."""
    texts = (row.bucket, row.key, row.version, row.address, row.agent)
    bucket, key, version, address, agent = map(quoted, texts)
    return (
        f'[{row.at_ms},"{row.account}","{row.link}",{bucket},{key},{version},"{row.operation}",{row.status},'
        f'"{row.code}",{address},{agent},{row.sent_bytes},{"true" if row.whole else "false"},{row.ms},'
        f'"{row.request_id}"]\n'
    ).encode("ascii")


def read_head(line: bytes) -> tuple[str, str]:
    """The link of a row, and its bucket, without a look at the rest; a bucket that only JSON can write isn't meant.

    Raises: ValueError.
    """
    _, _, _, link, _, bucket, _ = line.split(b'"', 6)
    return link.decode("ascii"), bucket.decode("ascii")


def read_row(line: bytes) -> AuditRow:
    """Raises: ValueError, for what `write_row` never wrote."""
    values = json.loads(line)
    if not isinstance(values, list) or len(values) != len(AuditRow.__struct_fields__):
        raise ValueError("no audit row")
    texts = all(type(values[number]) is str for number in _TEXTS)
    if not texts or not all(type(values[number]) is int for number in _NUMBERS) or type(values[12]) is not bool:
        raise ValueError("no audit row")
    return AuditRow(*values)


def read_moment(line: bytes) -> int:
    """The time of a row alone. Raises: ValueError."""
    return int(line[1 : line.index(b",")])


def words_in(line: bytes) -> tuple[bytes, ...]:
    """By what the row of a line can be looked for, as it stands there; none for what `write_row` never wrote."""
    found = _LINE.match(line)
    if found is None:
        return ()
    account, link, place, bucket, address = found.groups()
    return account, link, place, bucket, address


def word_for(question: Question) -> bytes:
    """What stands in the line of every row that is meant; of several words, the one that fewest others have."""
    if question.link:
        return _word(question.link)
    if question.bucket and question.key:
        return _word(question.bucket) + b"," + _word(question.key)
    if question.address:
        return _word(question.address)
    return _word(question.bucket) + b"," if question.bucket else _word(question.account)


def _word(text: str) -> bytes:
    return quoted(text).encode("ascii")
