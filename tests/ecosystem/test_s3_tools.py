"""Tools that speak S3, unmodified, against a live server; recipes in `docs/ecosystem.md`.

Each reads what OSS stored, and leaves what OSS reads: one object, two dialects.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.engines.certificates import tls_files

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..clients.programs import curl, need
from ..server_process import ServerProcess
from ..soak import SOAKING
from .test_ecosystem import HERE, PYTHON, needs_environment, new_environment, output

AWS_CLI_V2 = "/usr/bin/aws"  # Debian's; in the PATH may be the first version
SUMS = "z0cn96FVwyb8Kr23MR3ShHqbyPcr8kOPWrEjxdjpDBA=\t9"
COPIED = 'inner/ä +&.txt\n{"count":0,"bytes":0,"sizeless":0}'
_NUMBERS = itertools.count()

pytestmark = pytest.mark.live
only_soaking = pytest.mark.skipif(not SOAKING, reason="COATCHECK_SOAK=1 runs it: it takes long to install")

PROGRAMS = {
    "boto3_transfers": "resumed, then PreconditionFailed",
    "s3fs_pandas": "people 22336132",
    "pyarrow_files": "['empty', 'large.bin', 'moved.bin']",
    "polars_tables": "[(2025, 8955), (2026, 8955)]",
    "minio_py": "['by link', 'composed', 'copy', 'from-oss.txt', 'from-s3.txt', 'large']",
    "obstore_s3": "['create', 'update'] ['dir/copy bin+&.ä', 'dir/moved.bin']",
    "opendal_s3": "kept\n['dal/copy +&.ä', 'dal/large.bin']",
    "duckdb_httpfs": "399997 26666466667 3",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that accepts version 2 in headers, too."""
    yield from a_server(tmp_path_factory, "--s3-signature-v2")


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    yield from a_server(tmp_path_factory, "--tls-self-signed")


def a_server(folders: pytest.TempPathFactory, option: str) -> Iterator[ServerProcess]:
    server = ServerProcess(folders.mktemp("s3") / "data", option)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


class Place:
    """A bucket with an object that OSS put, and a folder. `ca` is the file of the server's authority, if it has one."""

    def __init__(self, server: ServerProcess, folder: Path, ca: str = "") -> None:
        self._endpoint, self._folder, self._ca = server.endpoint, folder, ca
        self._bucket = f"tools-{next(_NUMBERS)}"
        self._ask("PUT", None, "--data-binary", "")
        self._ask("PUT", "from-oss.txt", "--data-binary", "put by OSS")

    def _ask(self, method: str, key: str | None, *words: str) -> bytes:
        """By a link of OSS."""
        link = a_presigner(self._endpoint).presign(method, self._bucket, key)
        trusted = ["--cacert", self._ca] if self._ca else []
        return curl("--fail", "--header", "Content-Type:", *trusted, "--request", method, *words, link.url).stdout

    def run(self, *words: str) -> str:
        """What a program prints that is told of the server as AWS's are, and of nothing else."""
        return output(
            list(words),
            BUCKET=self._bucket,
            AWS_ENDPOINT_URL=self._endpoint,
            AWS_ACCESS_KEY_ID=ACCESS_KEY_ID,
            AWS_SECRET_ACCESS_KEY=ACCESS_KEY_SECRET,
            AWS_DEFAULT_REGION="us-east-1",
            HOME=str(self._folder),
            TMPDIR=str(self._folder),
            **({"AWS_CA_BUNDLE": self._ca} if self._ca else {}),
        )

    def shell(self, script: str, *words: str) -> str:
        return self.run("bash", "-euo", "pipefail", str(HERE / "s3" / f"{script}.sh"), *words)

    def read_by_oss(self, key: str) -> bytes:
        return self._ask("GET", key)


@pytest.fixture(autouse=True)
def without_settings_of_a_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def place(server: ServerProcess, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


@needs_environment
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_library_works_unmodified(place: Place, program: str) -> None:
    assert place.run(str(PYTHON), str(HERE / "s3" / f"{program}.py")) == PROGRAMS[program]
    assert place.read_by_oss("from-s3.txt").rstrip(b"\n") == b"put by S3"


@needs_environment
def test_over_tls_checksums_come_behind_the_body(tls_server: ServerProcess, tmp_path: Path) -> None:
    """`STREAMING-UNSIGNED-PAYLOAD-TRAILER`, which SDKs of AWS send over TLS alone."""
    place = Place(tls_server, tmp_path, str(tls_files(tls_server.data).ca))
    assert place.run(str(PYTHON), str(HERE / "s3" / "boto3_transfers.py")) == PROGRAMS["boto3_transfers"]
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


@needs_environment
def test_the_command_line_of_aws_works(place: Place) -> None:
    assert place.shell("aws_cli", str(PYTHON.parent / "aws")) == SUMS
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


@only_soaking
def test_the_second_command_line_of_aws_works(place: Place) -> None:
    assert place.shell("aws_cli", need(AWS_CLI_V2)) == SUMS
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


def test_rclone_copies_and_checks(place: Place) -> None:
    assert place.shell("rclone", need("rclone")) == COPIED
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


@needs_environment
def test_a_newer_rclone_copies_and_checks(place: Place) -> None:
    assert place.shell("rclone", str(PYTHON.parent / "rclone")) == COPIED
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


def test_restic_keeps_backups(place: Place) -> None:
    need("restic")
    assert place.shell("restic") == "no errors were found"
    assert place.read_by_oss("repository/config") != b""


def test_s3cmd_syncs(place: Place) -> None:
    need("s3cmd")
    assert place.shell("s3cmd") == "text/x-modified\ntext/x-modified"
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


@pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this machine mounts no file systems of programs")
def test_a_bucket_is_mounted_with_s3fs(place: Place) -> None:
    need("s3fs")
    assert place.shell("s3fs_fuse") == "inner/moved.bin 20000000 640\nä +&.txt 8 644"
    assert place.read_by_oss("from-s3.txt") == b"put by S3"


@only_soaking
def test_no_commit_of_delta_lake_is_lost(place: Place, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "delta", "deltalake==1.6.6", "pyarrow==26.0.1") / "python"
    assert place.run(str(python), str(HERE / "s3" / "delta_tables.py")) == "20 189"
