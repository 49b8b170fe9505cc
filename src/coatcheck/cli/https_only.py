"""`coatcheck https-only`: a bucket that refuses plain HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from coatcheck.configurations.https import ONLY, ONLY_NAME
from coatcheck.engines.local import LocalEngines

from .directory import directory_options, on_directory, tell
from .domain import find_bucket


@click.command("https-only")
@click.argument("bucket")
@click.option("--off", is_flag=True, help="Plain HTTP is answered again.")
@directory_options
def command(bucket: str, off: bool, data: Path | None, as_json: bool) -> None:
    """Refuse plain HTTP for a bucket, whoever asks, with or without a link.

    Works on the data directory, also while the server runs, and counts from the next request on. Behind a proxy, HTTPS
    is what a trusted proxy (serve --trusted-proxy) says the client spoke.
    """

    async def switch(engines: LocalEngines) -> None:
        found = await find_bucket(engines, bucket)
        await engines.catalog.set_configuration(found.bucket_id, ONLY_NAME, None if off else ONLY)

    on_directory(data, switch)
    line = f"{bucket} answers over HTTP too." if off else f"{bucket} answers over HTTPS only."
    tell({"bucket": bucket, "https_only": not off}, line, as_json=as_json)
