"""Stores by their URL: `memory:`, `file:DIR`, or `postgresql://...`; the bytes are files, or in an object store.

The only place that chooses an engine.

What serves in memory loads nothing of what keeps files, and the other way round: that is time at every start.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from ..clock import Clock
from ..core.database_urls import is_database
from ..ports.secrets import Secrets
from ..ports.store import Store
from .directory_faults import BadDatabase
from .memory_secrets import MemorySecrets
from .object_store.place import BytePlace
from .results import prepare_results

MEMORY: Final = "memory:"
_FILE: Final = "file:"


class PreparedStore(Protocol):
    """A store that is ready to be opened by a server's workers; closed when the last of them has ended."""

    @property
    def data(self) -> Path:
        """The directory for the server's own files: certificates, remembered pictures, the owner's key."""
        ...

    @property
    def secrets(self) -> Secrets:
        """What the first process needs of them: the certificate authority's key."""
        ...

    def needs_root_key(self) -> bool:
        """Whether an owner's key was in use, so that none is made in its place."""
        ...

    def note_root_key(self, access_key_id: str, secret: str) -> None:
        """It is used from now on. Raises: WrongKey, if gateways that share the store have another one."""
        ...

    def has_authority(self) -> bool:
        """Whether clients trust a certificate authority of ours. Raises: WrongKey, if that isn't there any more."""
        ...

    def note_authority(self) -> None: ...

    def close(self) -> None: ...


def prepare_store(
    url: str,
    clock: Clock,
    *,
    data: Path | None = None,
    accept_clock: bool = False,
    place: BytePlace | None = None,
) -> PreparedStore:
    """Make what the URL names ready for a server, and keep other servers out.

    Args:
        data: the directory beside a database, for the server's own files, and for the bytes unless those have a place.
        accept_clock, place: as `prepare_local` has them.

    Raises: what `prepare_local` raises; BadDatabase; ValueError, for a URL of no store.
    """
    if is_database(url):
        _check_driver()
        from .postgres.store import PostgresPrepared

        return PostgresPrepared(url, _beside(data), clock, accept_clock=accept_clock, place=place)
    if url == MEMORY:
        return _MemoryPrepared()
    return _LocalPrepared(_directory(url), clock, accept_clock=accept_clock, place=place)


def read_place(url: str, credentials: Path | None) -> BytePlace | None:
    """Where blobs are, by the settings; None for an empty URL: where they always were."""
    return BytePlace(url, credentials) if url else None


def open_store(url: str, clock: Clock, *, data: Path | None = None, place: BytePlace | None = None) -> Store:
    """Open a prepared store in this process.

    Args:
        data, place: as `prepare_store` has them.
    Raises: what `open_local` raises; BadDatabase; ValueError, for a URL of no store.
    """
    if is_database(url):
        _check_driver()
        from .postgres.store import open_postgres

        return open_postgres(url, _beside(data), clock, place=place)
    if url == MEMORY:
        from .memory_store import MemoryStore

        return MemoryStore(clock)
    from .local import open_local

    return open_local(_directory(url), clock, place=place)


def _check_driver() -> None:
    """Raises: BadDatabase."""
    if find_spec("asyncpg") is None:
        raise BadDatabase("A database needs its driver: pip install 'coatcheck[postgres]'.")


def _beside(data: Path | None) -> Path:
    if data is None:
        raise ValueError("a database needs a directory beside it")
    return data


def not_opened() -> tuple[type[Exception], ...]:
    """What a store that can't be opened raises, for one line and no traceback."""
    from ..ports.secrets import WrongKey
    from .directory_faults import BadDirectory, InUse, NewerStore

    return BadDatabase, BadDirectory, InUse, NewerStore, WrongKey


def _directory(url: str) -> Path:
    if not url.startswith(_FILE) or url == _FILE:
        raise ValueError(f"{url!r} names no store")
    return Path(url.removeprefix(_FILE))


class _LocalPrepared:
    """A data directory, locked."""

    def __init__(self, data: Path, clock: Clock, *, accept_clock: bool, place: BytePlace | None) -> None:
        from .local import prepare_local
        from .secret_files import FileSecrets

        self._lock = prepare_local(data, clock, accept_clock=accept_clock, place=place)
        self.data = data
        self.secrets = FileSecrets(data)

    def needs_root_key(self) -> bool:
        from .directory_faults import told
        from .needed_keys import needs_root_key

        with told(self.data):
            return needs_root_key(self.data)

    def note_root_key(self, access_key_id: str, secret: str) -> None:
        from .directory_faults import told
        from .needed_keys import note_root_key

        with told(self.data):
            note_root_key(self.data, access_key_id)

    def has_authority(self) -> bool:
        from .certificates import tls_files
        from .directory_faults import told
        from .needed_keys import check_authority

        with told(self.data):
            return check_authority(self.data, self.secrets, tls_files(self.data).ca)

    def note_authority(self) -> None:
        from .directory_faults import told
        from .needed_keys import note_authority

        with told(self.data):
            note_authority(self.data, self.secrets)

    def close(self) -> None:
        self._lock.close()


class _MemoryPrepared:
    """A directory that goes with the server, for what has to be a file; no object, bucket or key is in it."""

    def __init__(self) -> None:
        from tempfile import TemporaryDirectory

        self._directory = TemporaryDirectory(prefix="coatcheck-")
        self.data = Path(self._directory.name)
        self.secrets = MemorySecrets()
        prepare_results(self.data / "results")

    def needs_root_key(self) -> bool:
        return False

    def note_root_key(self, access_key_id: str, secret: str) -> None:
        """It goes with the server."""

    def has_authority(self) -> bool:
        return False

    def note_authority(self) -> None:
        """It goes with the server."""

    def close(self) -> None:
        self._directory.cleanup()
