"""Whose keys, which server: read from options, environment, profile file or a server on this machine, in that order.

Each of endpoint, region and path style comes from the first place that names it. The access key comes whole from the
first place that has one: an id from here and a secret from there never meet.

    place            endpoint          region             access key
    options          --endpoint        --region           (none: a command line is no place for a secret)
    environment      OSS_ENDPOINT      OSS_REGION         OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN
    profile file     endpoint          region             access_key_id, access_key_secret, security_token
    local server     DATA/endpoint.json, else these      DATA/root-credentials.json
                     127.0.0.1:8000    cn-hangzhou
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from coatcheck.root_credentials import FILE_NAME, RUNNING_FILE, SHARE_KEY_FILE
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.presigner import Presigner, SignatureVersion

from .errors import NotConfigured

LOCAL_ENDPOINT: Final = "http://127.0.0.1:8000"
LOCAL_REGION: Final = "cn-hangzhou"
LOCAL_DATA: Final = Path("coatcheck-data")
_MEND_FILE: Final = "mend the file"
_OTHER_KEY: Final = "restore it from a backup, or set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"
START_A_SERVER: Final = "start a server in this directory with: coatcheck serve"


class _Origin(Enum):
    ENVIRONMENT = "environment"
    PROFILE = "profile file"
    DATA = "data directory"


class Options(Struct, frozen=True):
    """What the command line says; None where it says nothing."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    data: Path | None = None
    path_style: bool | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything needed to sign for a server and to reach it.

    Attributes:
        endpoint: scheme, host and port, without a path: "http://127.0.0.1:8000".
        region: region id: "cn-hangzhou".
        credentials: access key; left out of repr.
        path_style: the bucket goes into the path even where the endpoint has a name; with an IP address always.
        local: nothing named a server, so this is the one expected on this machine.
        token_expires_at: when the profile's security token expires, if the file says so.
        link_endpoint: the endpoint of links for others, if they reach the server by another one.
        ca: certificate of a local authority that the server's own is of.
        root_of: the data directory whose root key this is; None for any other key.
    """

    endpoint: str
    region: str
    credentials: Credentials = field(repr=False)
    path_style: bool
    local: bool = False
    token_expires_at: datetime | None = None
    link_endpoint: str | None = None
    ca: Path | None = None
    root_of: Path | None = None


def read_profile(options: Options, environ: Mapping[str, str], home: Path) -> Profile:
    """Find the settings of one server.

    Args:
        options: from the command line.
        environ: the environment; empty values count as unset.
        home: the home directory, for ~/.config when XDG_CONFIG_HOME isn't set.
    Raises:
        NotConfigured: no access key anywhere, half of one, or a file that can't be read.
    """
    stored = _read_stored(options, environ, home)
    running = read_running(data_of(options, environ))
    named = options.endpoint or environ.get("OSS_ENDPOINT") or stored.get("endpoint")
    endpoint = read_endpoint(named or (running.endpoint if running else LOCAL_ENDPOINT))
    if running is not None and running.endpoint != endpoint:
        running = None
    region = options.region or environ.get("OSS_REGION") or stored.get("region")
    region = region or (running.region if running else LOCAL_REGION)
    credentials, origin = _find_credentials(options, environ, stored)
    path_style = options.path_style if options.path_style is not None else stored.get("path_style")
    return Profile(
        endpoint,
        region.removeprefix("oss-"),
        credentials,
        bool(path_style),
        local=not named,
        token_expires_at=_read_moment(stored.get("security_token_expires")) if origin is _Origin.PROFILE else None,
        link_endpoint=environ.get("COATCHECK_LINK_ENDPOINT") or stored.get("link_endpoint"),
        ca=running.ca if running else None,
        root_of=data_of(options, environ) if origin is _Origin.DATA else None,
    )


def make_presigner(profile: Profile, signature_version: SignatureVersion = "v4") -> Presigner:
    """A presigner whose links lead to the profile's server. Raises: PresignError."""
    return Presigner(
        profile.credentials.access_key_id,
        profile.credentials.access_key_secret,
        region=profile.region,
        endpoint=profile.endpoint,
        security_token=profile.credentials.security_token,
        token_expires_at=profile.token_expires_at,
        signature_version=signature_version,
    )


def find_secret(access_key_id: str, options: Options, environ: Mapping[str, str], home: Path) -> str | None:
    """The secret of one access key, from whichever place has that key; None if none has, or none can be read."""
    places = (
        partial(_find_in_environment, environ),
        partial(_find_in_profile, options, environ, home),
        partial(_read_root_credentials, data_of(options, environ)),
        partial(_read_root_credentials, data_of(options, environ), SHARE_KEY_FILE),
    )
    for place in places:
        try:
            found = place()
        except NotConfigured:
            continue
        if found is not None and found.access_key_id == access_key_id:
            return found.access_key_secret
    return None


def read_endpoint(text: str) -> str:
    """ "oss-cn-hangzhou.aliyuncs.com" -> "https://oss-cn-hangzhou.aliyuncs.com"; a port and http:// are kept.

    Raises: NotConfigured.
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.path not in ("", "/"):
        raise NotConfigured(
            "InvalidEndpoint",
            f"{text!r} is not an endpoint like http://127.0.0.1:8000.",
            hint="give a scheme and a host, with --endpoint, OSS_ENDPOINT or in the profile",
        )
    return f"{parts.scheme}://{parts.netloc}"


def config_file(environ: Mapping[str, str], home: Path) -> Path:
    """~/.config/coatcheck/config.toml, or below XDG_CONFIG_HOME."""
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else home / ".config") / "coatcheck" / "config.toml"


class Running(Struct, frozen=True):
    """What a server has written into its data directory of how it is reached from this machine."""

    endpoint: str
    region: str
    ca: Path | None


def read_running(data: Path) -> Running | None:
    """The server that was last started on a data directory; None where none says so, or the file can't be read."""
    try:
        facts = json.loads((data / RUNNING_FILE).read_text("utf-8"))
        ca = facts.get("ca")
        return Running(read_endpoint(str(facts["endpoint"])), str(facts["region"]), Path(ca) if ca else None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotConfigured):
        return None


def _read_stored(options: Options, environ: Mapping[str, str], home: Path) -> dict[str, Any]:
    """The table [profile.NAME]; NAME is "default" unless said, and only then may it be missing."""
    file = config_file(environ, home)
    name = options.profile or environ.get("COATCHECK_PROFILE")
    stored = _read_file(file).get(name or "default")
    if name and stored is None:
        raise NotConfigured(
            "NoSuchProfile", f"{file} has no [profile.{name}].", hint="name one that it has, or add this one to it"
        )
    return _check_stored(file, stored or {})


_STORED_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "endpoint": (str,),
    "region": (str,),
    "access_key_id": (str,),
    "access_key_secret": (str,),
    "security_token": (str,),
    "security_token_expires": (str, datetime),
    "path_style": (bool,),
    "link_endpoint": (str,),
}


def _read_file(file: Path) -> dict[str, Any]:
    """The tables by their names; {} where there is no file. Raises: NotConfigured."""
    try:
        profiles = tomllib.loads(file.read_text("utf-8")).get("profile", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConfigured("InvalidProfile", f"{file} can't be read: {error}.", hint=_MEND_FILE) from None
    return profiles if isinstance(profiles, dict) else {}


def read_stored_all(file: Path) -> dict[str, dict[str, Any]]:
    """Every table of the profile file. Raises: NotConfigured."""
    return {name: _check_stored(file, stored) for name, stored in _read_file(file).items()}


def _check_stored(file: Path, stored: object) -> dict[str, Any]:
    if not isinstance(stored, dict):
        raise NotConfigured("InvalidProfile", f"{file}: a profile is a table, [profile.NAME].", hint=_MEND_FILE)
    for name, value in stored.items():
        if name not in _STORED_KINDS or not isinstance(value, _STORED_KINDS[name]):
            known = ", ".join(_STORED_KINDS)
            raise NotConfigured(
                "InvalidProfile",
                f"{file}: {name} is unknown or of the wrong kind; known: {known}.",
                hint=_MEND_FILE,
            )
    return stored


def _find_credentials(
    options: Options, environ: Mapping[str, str], stored: Mapping[str, Any]
) -> tuple[Credentials, _Origin]:
    """The access key, and where it came from. A profile named on the command line goes first."""
    from_environment = _find_in_environment(environ)
    from_profile = _pair("the profile", *(stored.get(name) for name in _STORED))
    if from_environment and not (options.profile and from_profile):
        return from_environment, _Origin.ENVIRONMENT
    if from_profile:
        return from_profile, _Origin.PROFILE
    return _read_root_credentials(data_of(options, environ)), _Origin.DATA


def _find_in_environment(environ: Mapping[str, str]) -> Credentials | None:
    return _pair("the environment", *(environ.get(name) for name in _ENVIRONMENT))


def _find_in_profile(options: Options, environ: Mapping[str, str], home: Path) -> Credentials | None:
    return _pair("the profile", *map(_read_stored(options, environ, home).get, _STORED))


def data_of(options: Options, environ: Mapping[str, str]) -> Path:
    """The data directory of a server on this machine."""
    return options.data or Path(environ.get("COATCHECK_DATA") or LOCAL_DATA)


_ENVIRONMENT: Final = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN")
_STORED: Final = ("access_key_id", "access_key_secret", "security_token")


def _pair(where: str, key_id: str | None, secret: str | None, token: str | None) -> Credentials | None:
    if not key_id and not secret:
        return None
    if not key_id or not secret:
        missing = "secret" if key_id else "id"
        raise NotConfigured(
            "HalfAnAccessKey",
            f"There is half an access key in {where}: its {missing} is missing.",
            hint="set both, or neither",
        )
    return Credentials(key_id, secret, token or None)


def _read_root_credentials(data: Path, name: str = FILE_NAME) -> Credentials:
    """The key a server made at its first start, readable by its owner only."""
    file = data / name
    try:
        facts = json.loads(file.read_text("utf-8"))
        return Credentials(str(facts["access_key_id"]), str(facts["access_key_secret"]))
    except FileNotFoundError:
        raise NotConfigured(
            "NoCredentials",
            f"No access key: none in the environment, the profile file or {file}.",
            hint=f"set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, or {START_A_SERVER}",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't what a server writes there"
        raise NotConfigured("InvalidCredentials", f"{file} can't be read: {reason}.", hint=_OTHER_KEY) from None


def _read_moment(value: str | datetime | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise NotConfigured(
            "InvalidProfile", "security_token_expires is not a time like 2026-03-05T07:08:09Z.", hint=_MEND_FILE
        ) from None
    return moment.astimezone(UTC)
