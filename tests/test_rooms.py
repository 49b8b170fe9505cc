"""Which way imports point, read from the source. The table is that of ARCHITECTURE.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from .each import each

SOURCE: Final = Path(__file__).parents[1] / "src" / "coatcheck"

# Room -> the rooms, or single modules of a room, it may import besides itself.
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "core": set(),
    "clock": {"core.times"},
    "settings": {"core"},
    "root_credentials": {"core"},
    "exchange": {"core", "identity.caller", "ports.catalog", "wire.faults", "wire.reply", "wire.request"},
    "wire": {"clock", "core", "exchange", "linux"},
    "images": {"core"},
    "queries": {"core"},
    "ports": {"core"},
    "signing": {"clock", "core", "wire.request", "wire.query", "wire.target"},
    "identity": {"core", "wire.request", "wire.target", "signing", "ports"},
    "links": {"core", "ports.link_audit", "ports.links"},
    "archives": {"core"},
    "access": {"core", "identity.caller", "ports"},
    "configurations": {
        *{"core", "access.actions", "access.policy"},
        *{"ports.access_point", "ports.bucket", "ports.object", "ports.worm"},
    },
    "operations": {
        "archives",
        "links",
        "core",
        "ports",
        "images",
        "queries",
        "identity.caller",
        "access.actions",
        "access.decide",
        "access.facts",
        "access.link_rights",
        "configurations",
    },
    "link_desk": {
        *{"core", "links", "operations.link_register", "operations.ticket_register"},
        "operations.link_notices",
        *{"operations.arrivals", "operations.context"},
        *{"wire", "ports", "access", "identity", "signing"},
    },
    "tickets": {
        *{"core", "exchange", "links", "operations", "wire", "ports", "access", "identity"},
        *{"archives.members", "oss.archive_reply", "signing.disposition"},
    },
    "oss": {
        *{"core", "operations", "wire", "ports", "images", "queries", "settings", "access", "configurations"},
        *{"exchange", "identity", "links", "signing"},
    },
    # An old catalog holds documents in their old form; bringing it up to date, whoever opens it, needs both forms.
    "engines": {"clock", "core", "linux", "ports", "images", "queries", "configurations.upgrade"},
    "background": {
        *{"clock", "core", "exchange", "operations", "ports", "identity", "access", "configurations"},
        *{"links", "wire.reply"},
    },
    "s3": {
        *{
            "core",
            "operations",
            "wire",
            "ports",
            "settings",
            "access",
            "configurations",
            "exchange",
            "identity",
            "signing",
        },
        "oss",  # whose pipeline decides and acts on what was translated
    },
    "sts_roles": {"core", "wire.request", "ports", "identity", "access"},
    "sts": {"core", "wire", "ports", "signing", "identity", "sts_roles"},
    "aws_sts": {"core", "wire", "ports", "signing", "identity", "sts_roles"},
    "pages": {"core", "tickets.views", "wire"},
    "services": {
        "core.errors",
        "core.record",
        "exchange",
        "identity.readings",
        "oss.pipeline",
        "oss.row",
        "wire",
        "ports",
        "signing.scheme",
        "sts",
        "aws_sts",
        "link_desk",
        "tickets",
        "s3.dialect",
    },
    "request_log": {"core", "exchange", "identity.caller"},
    "refusal_log": {"background.gathering", "exchange", "ports.refusals"},
    "server_log": {"core", "request_log", "settings"},
    "metrics": {"core", "exchange"},
    "admin": {"core", "exchange", "metrics", "pulse", "wire.reply", "wire.request"},
    "seen": {
        *{
            "admin.health",
            "clock",
            "core",
            "metrics",
            "oss.row",
            "oss.table",
            "s3.table",
            "pulse",
            "services.OPERATIONS",
        },
        "settings",
    },
    "telemetry": {"core", "exchange", "metrics", "settings"},
    "watch": {
        *{"admin", "background.notices", "engines.notifier", "engines.opening", "engines.render_pool"},
        *{"engines.select_pool", "exchange", "link_desk.service", "metrics", "ports.store", "request_log", "seen"},
        *{"settings", "telemetry"},
    },
    "listening": {"core", "settings"},
    "app": {
        "background",
        "clock",
        "core",
        "wire",
        "ports",
        "settings",
        "access_schedule",
        "operations.access_times",
        "operations.capacity",
        "operations.context",
        "operations.limited",
        "operations.pacing",
        "engines",
        "exchange",
        "oss.pipeline",
        "s3.dialect",
        "lifecycle_schedule",
        "link_desk",
        "link_watch",
        "rights_watch",
        "refusal_log",
        "request_log",
        "root_credentials",
        "seen",
        "server_log",
        "scrub_schedule",
        "services",
        "signing.scheme",
        "sweep_schedule",
        "tickets",
        "pages",
        "watch",
    },
    "lifecycle_schedule": {"background.leader", "clock", "core", "operations.context", "operations.lifecycle_run"},
    "access_schedule": {"core", "operations.context"},
    "scrub_schedule": {"background.leader", "clock", "core"},
    "sweep_schedule": {"background.leader", "clock", "core", "operations.context", "operations.sweep"},
    "link_watch": {"clock", "core", "exchange", "links", "operations.limited", "ports.links"},
    "rights_watch": {
        *{"access.actions", "access.decide", "access.facts", "core.errors", "identity.acting", "identity.caller"},
        *{"link_watch", "ports.catalog", "ports.snapshot"},
    },
    "linux": set(),
    "pulse": set(),
    "service_manager": set(),
    "warming": set(),
    "worker": {
        "clock",
        "core",
        "app",
        "engines.certificates",
        "engines.opening",
        "engines.domain_contexts",
        "linux",
        "listening",
        "pulse",
        "root_credentials",
        "server_log",
        "settings",
        "wire.connections",
        "wire.forwarded",
    },
    "process": {
        "clock",
        "app",
        "core",
        "engines",
        "linux",
        "listening",
        "pulse",
        "service_manager",
        "seen",
        "server_log",
        "settings",
        "telemetry",
        "root_credentials",
        "warming",
        "wire.target",
        "worker",
    },
    "client": {"clock", "core", "signing", "wire.query", "root_credentials"},
    "cli": {
        "clock",
        "core",
        "signing",
        "client",
        "access.aws_policy",
        "access.policy",
        "ports",
        "engines",
        "process",
        "settings",
        "root_credentials",
        "wire.forwarded",
        "operations.context",
        "configurations.https",
        "operations.lifecycle_plan",
        "operations.lifecycle_run",
        "testing.serving",
        *{"listening.CannotListen", "server_log.CannotLog", "telemetry.NoTelemetry"},
    },
    # What tests drive a server with: above all; nobody's but the entry point's and, lazily, `serve --test-controls`.
    "testing": {
        *{"access.policy", "app", "clock", "core", "engines", "exchange", "operations.hashed_blob"},
        *{
            "operations.lifecycle_run",
            "oss.table",
            "ports",
            "root_credentials",
            "settings",
            "signing",
            "sts",
            "wire",
            "Presigner",
        },
    },
    "__main__": {"cli"},
    "__init__": {"client.arrived", "client.link_info", "client.links", "signing"},
}

# Third-party library -> the only places that may know it.
HOMES: Final[dict[str, set[str]]] = {
    "httptools": {"client.quick", "wire.http1_parsing"},
    "uvloop": {"testing.running", "worker"},
    "click": {"cli"},
    "rich": {"cli"},
    "segno": {"cli", "pages"},
    "jinja2": {"pages"},
    "markupsafe": {"pages"},
    "httpx": {"client", "engines.notifier", "engines.outgoing", "engines.fetcher"},
    "defusedxml": {"core", "client"},
    "fastcrc": {"core"},
    "pyvips": {"engines.vips"},
    "PIL": {"engines.vips"},
    "cryptography": {"engines"},
    "dns": {"engines.dns"},
    "sqlite3": {"engines", "cli.serve", "cli.failures"},
    "prometheus_client": {"metrics.exposition"},
    "opentelemetry": {"telemetry"},
    "pytest": {"testing.plugin"},
    "testcontainers": {"testing.containers"},
    "oss2": {"testing.clients"},
    "alibabacloud_oss_v2": {"testing.clients"},
}

PURE: Final = {"archives", "core", "signing", "access", "configurations", "queries"}

# What pure arithmetic has no use for, and who has a use for it all the same.
IMPURE: Final = {"asyncio", "logging", "os", "socket", "subprocess", "threading", "time"}
IMPURE_ALL_THE_SAME: Final[dict[str, set[str]]] = {
    "core.times": {"time"},  # gmtime is arithmetic
    "signing.presigner": {"os"},  # finds credentials for its callers, when they give none
    "signing.s3_presigner": {"os"},
}

ALL: Final = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in sorted(SOURCE.rglob("*.py"))}


def modules(room: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Dotted names without "coatcheck." and syntax trees, of one room or all."""
    for name in ALL:
        if not room or name.split(".")[0] == room:
            yield name, parsed(name)


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse(ALL[name].read_text("utf-8"))


@cache
def imported(name: str) -> set[str]:
    return set(imports(name, parsed(name)))


def imports(name: str, tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, however deep in the file: ours without "coatcheck.", others as they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.removeprefix("coatcheck.")
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = name.split(".")[: -node.level]
            yield ".".join([*above, *([node.module] if node.module else [])])
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "coatcheck" or module.removeprefix("coatcheck.") in MAY_IMPORT:
                for alias in node.names:
                    yield f"{module}.{alias.name}".removeprefix("coatcheck.")
            else:
                yield module.removeprefix("coatcheck.")


def files_needed(name: str, tree: ast.Module) -> set[str]:
    """The files of ours that a file imports, however deep in it, but for what only type checkers see."""
    found = set()
    for node in _seen_at_run_time(tree):
        if isinstance(node, ast.Import):
            found |= {_file(alias.name.removeprefix("coatcheck.")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])]).removeprefix("coatcheck.")
            module = "" if module == "coatcheck" else module
            found |= {_file(f"{module}.{alias.name}".strip(".")) or _file(module) for alias in node.names}
    return found - {"", name}


def _seen_at_run_time(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _file(module: str) -> str:
    """Its dotted name in ALL, that of a package's __init__; "" where it isn't a file of ours."""
    return next((file for file in (module, f"{module}.__init__".strip(".")) if file in ALL), "")


def circles(needed: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Names that need each other, by whatever way round."""
    reached = {name: _reached(name, needed) for name in needed}
    return {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in needed
        if name in reached[name]
    }


def _reached(name: str, needed: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = needed[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def is_within(module: str, places: set[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def test_every_room_is_in_the_table() -> None:
    assert {name.split(".")[0] for name in ALL} == set(MAY_IMPORT)


@each(ALL)
def test_imports_follow_the_table(name: str) -> None:
    room = name.split(".")[0]
    ours = {module for module in imported(name) if module.split(".")[0] in MAY_IMPORT}
    assert {module for module in ours if not is_within(module, MAY_IMPORT[room] | {room})} == set()


@pytest.mark.parametrize("room", ["operations", "configurations"])
def test_what_is_done_knows_nothing_of_how_it_is_asked(room: str) -> None:
    for name, _ in modules(room):
        assert {module for module in imported(name) if is_within(module, {"wire", "oss", "sts"})} == set()


def test_files_import_each_other_in_no_circle() -> None:
    assert circles({name: files_needed(name, tree) for name, tree in modules()}) == set()


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == {("b", "c"), ("d",)}
    tree = ast.parse("if TYPE_CHECKING:\n    from . import symlink\ndef f():\n    from .call import Call")
    assert files_needed("oss.table", tree) == {"oss.call"}


@pytest.mark.parametrize("library", HOMES)
def test_library_is_known_in_its_home_alone(library: str) -> None:
    knowing = {name for name in ALL if library in {module.split(".")[0] for module in imported(name)}}
    assert {name for name in knowing if not is_within(name, HOMES[library])} == set()


@pytest.mark.parametrize("room", ["core", "signing", "access", "ports", "configurations"])
def test_pure_room_awaits_nothing(room: str) -> None:
    waiting = (ast.AsyncWith, ast.AsyncFor, ast.Await)
    for name, tree in modules(room):
        assert not [node.lineno for node in ast.walk(tree) if isinstance(node, waiting)], name


@each([name for name in ALL if name.split(".")[0] in PURE])
def test_pure_module_has_no_clock_environment_or_log(name: str) -> None:
    allowed = IMPURE_ALL_THE_SAME.get(name, set())
    assert {module for module in imported(name) if module in IMPURE} - allowed == set()


def test_only_the_decision_makes_a_grant() -> None:
    makers = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Grant"
    }
    assert makers == {"access.decide"}


def _called(node: ast.AST) -> str:
    """The method that is called, "" for anything else."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def test_one_file_keeps_and_discards_blobs_and_knows_what_was_let_go_of() -> None:
    """The ports promise it, the engines do it, and everybody else says what is to be committed."""
    knowing = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Await) and _called(node.value) in {"discard", "forget_blobs", "keep"})
        or (isinstance(node, ast.Attribute) and node.attr == "released")
        if not is_within(name, {"engines", "ports"})
    }
    assert knowing == {"operations.commit", "operations.sweep"}  # the second removes what the first had to leave


def _texts(tree: ast.Module) -> set[str]:
    """Every text in it that isn't a docstring."""
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said
    }


SECRETS: Final = ("secret.key", "encryption.key", "callback.key", "ca.key")
SECRETS_GIVEN: Final = ("COATCHECK_SECRET_KEY", "COATCHECK_ENCRYPTION_KEY")


@pytest.mark.parametrize("place", [*SECRETS, *SECRETS_GIVEN])
def test_one_file_knows_where_secrets_lie(place: str) -> None:
    knowing = {name for name, tree in modules() if any(place in text for text in _texts(tree))}
    assert knowing == {"engines.secret_files"}


def test_signatures_are_compared_in_one_place() -> None:
    comparing = {name for name, tree in modules("signing") if "compare_digest" in ast.unparse(tree)}
    assert comparing == {"signing.verify"}
