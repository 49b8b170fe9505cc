"""`coatcheck mb`: make a bucket."""

from __future__ import annotations

import click

from coatcheck.client.connection import Connection
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .terminal import print_json, say


@click.command("mb")
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET")
@profile_options
@json_option
def command(address: OssAddress, where: Options, as_json: bool) -> None:
    """Make a bucket. It is private: only its owner, and those with a link, can read what is in it.

    A bucket that is yours already stays as it is.
    """
    if address.key:
        raise click.UsageError(f"A bucket has no key: coatcheck mb oss://{address.bucket}")
    with Connection(find_profile(where)) as connection:
        made = connection.make_bucket(address.bucket)
    if as_json:
        print_json({"bucket": address.bucket, "made": made})
    elif made:
        say(f"Made oss://{address.bucket}, private.")
    else:
        say(f"oss://{address.bucket} is already yours; nothing was changed.")
