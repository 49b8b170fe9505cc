"""The look at an object store before a server starts: can it be written, read, listed, deleted from, and is it ours?

It runs in a process of its own (`python -m`, a question and an answer in JSON): the client has threads, and a server's
first process forks.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .place import MARKER, BadPlace, BytePlace, make_client

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PATIENCE_S: Final = 60.0
_PROBE: Final = b"coatcheck looks whether this store can be written, read, listed and deleted from.\n"
_NEXT_STEPS: Final = (  # what the store says, and what to do
    ("NoSuchBucket", "Make the bucket, or name another one."),
    ("InvalidAccessKeyId", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file that has them."),
    ("SignatureDoesNotMatch", "Set AWS_SECRET_ACCESS_KEY to the secret of that key."),
    ("RequestTimeTooSkewed", "Set the clock of this machine right."),
    ("AuthorizationHeaderMalformed", "Set AWS_REGION to the bucket's region."),
    ("PermanentRedirect", "Set AWS_REGION, or AWS_ENDPOINT_URL, to where the bucket is."),
    ("301", "Set AWS_REGION, or AWS_ENDPOINT_URL, to where the bucket is."),
    ("AccessDenied", "Allow this key to read, write, list and delete objects there."),
    ("access denied", "Allow this key to read, write, list and delete objects there."),
    ("403", "Allow this key to read, write, list and delete objects there."),
    ("connection", "Start the store, or set AWS_ENDPOINT_URL to where it listens."),
    ("name", "Set AWS_ENDPOINT_URL to where the store listens."),
    ("timed out", "Look whether the store answers at AWS_ENDPOINT_URL."),
)


def check_place(place: BytePlace, marker: str, *, is_new: bool) -> None:
    """See the module.

    Args:
        marker: what the store's marker says if its bytes are those of this catalog.
        is_new: no blob was ever put there, so that a store without a marker is marked.
    Raises: BadPlace.
    """
    question = {"url": place.url, "marker": marker, "is_new": is_new}
    question["credentials"] = str(place.credentials or "")
    try:
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-m", __name__],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        said = "timed out"
    except (subprocess.CalledProcessError, ValueError):
        said = "the look at it failed"
    if said:
        raise BadPlace(said if said.endswith(".") else say_next_step(f"The byte store {place.url}", said))


def say_next_step(what: str, said: str) -> str:
    """What the store has said (`line.describe`) as a sentence, and what to do."""
    step = next((step for part, step in _NEXT_STEPS if part in said), "Look at the store, and at its URL.")
    return f"{what} cannot be used: {said}. {step}"


def _look(client: ObjectStore, url: str, marker: str, *, is_new: bool) -> str:
    """What is wrong, in words; "" for nothing. Raises: what obstore raises."""
    found = ""
    with suppress(StopIteration):
        next(iter(client.list(prefix="00", chunk_size=1)))  # before anything is put: some stores make a missing bucket
    with suppress(FileNotFoundError):
        found = bytes(client.get(MARKER).bytes()).decode("utf-8", "replace").strip()
    if found and found != marker:
        return f"{url} has the bytes of another catalog. Name another bucket or prefix with --bytes."
    if not found and not is_new:
        return (
            f"{url} has none of this catalog's bytes: its object {MARKER} is missing. Name the right one with --bytes."
        )
    probe = f"check-{secrets.token_hex(8)}/probe"
    client.put(probe, _PROBE, use_multipart=False)
    try:
        if bytes(client.get(probe).bytes()) != _PROBE:
            return "what was written is read as something else"
        if not any(entry["path"] == probe for page in client.list(prefix=probe.split("/")[0]) for entry in page):
            return "what was written isn't listed"
    finally:
        client.delete([probe])
    with suppress(FileNotFoundError):
        client.head(probe)
        return "what was deleted is still there"
    if not found:
        client.put(MARKER, marker.encode(), use_multipart=False)
    return ""


def _main() -> None:
    question = json.load(sys.stdin)
    url, credentials = question["url"], question["credentials"]
    try:
        client = make_client(BytePlace(url, Path(credentials) if credentials else None))
        said = _look(client, url, question["marker"], is_new=question["is_new"])
    except BadPlace as error:
        said = str(error)
    except Exception as error:
        from .line import describe

        said = describe(error)
    print(json.dumps(said))


if __name__ == "__main__":
    _main()
