"""Rules against overwriting: which keys, whose writes, and every way to write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from coatcheck.ports.keyring import AccessKey
from coatcheck.wire.query import NO_QUERY
from coatcheck.wire.request import Request

from .house import OWNER, STRANGER, Answer, GivenBody, House
from .test_post_object import BOUNDARY, a_form, signed

EVERYTHING = "<Rule><Action>forbid</Action></Rule>"


def a_document(rules: str) -> bytes:
    return f"<OverwriteConfiguration>{rules}</OverwriteConfiguration>".encode()


async def a_house(rules: str = EVERYTHING) -> House:
    """With the objects a.txt (plain) and log (appendable, 5 bytes), which were there before the rules."""
    house = await House().with_bucket(acl="public-read-write")
    await house.put("/photos/a.txt", b"first")
    await house.put("/photos/source", b"second")
    assert (await house.ask("POST", "/photos/log?append&position=0", b"first")).status == 200
    assert (await house.ask("PUT", "/photos/?overwriteConfig", a_document(rules))).status == 200
    return house


async def begin(house: House, key: str) -> str:
    """The query of a whole upload of one part, to be completed."""
    begun = await house.ask("POST", f"/photos/{key}?uploads")
    upload_id = begun.text("UploadId")
    await house.put(f"/photos/{key}?partNumber=1&uploadId={upload_id}", b"second")
    return f"uploadId={upload_id}"


async def post_form(house: House, key: str) -> Answer:
    body = a_form(signed(key))
    sent = {"host": "127.0.0.1:8000", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await house.send(Request("POST", b"/photos/", NO_QUERY, sent, body=GivenBody([body])))


async def complete(house: House, key: str) -> Answer:
    return await house.ask("POST", f"/photos/{key}?{await begin(house, key)}", headers={"x-oss-complete-all": "yes"})


WAYS: dict[str, Callable[[House, str], Awaitable[Answer]]] = {
    "put": lambda house, key: house.ask("PUT", f"/photos/{key}", b"second"),
    "copy": lambda house, key: house.ask("PUT", f"/photos/{key}", headers={"x-oss-copy-source": "/photos/source"}),
    "copy onto itself": lambda house, key: house.ask(
        "PUT", f"/photos/{key}", headers={"x-oss-copy-source": f"/photos/{key}", "x-oss-metadata-directive": "REPLACE"}
    ),
    "append": lambda house, key: house.ask("POST", f"/photos/{key}?append&position=0", b"second"),
    "initiate": lambda house, key: house.ask("POST", f"/photos/{key}?uploads"),
    "symlink": lambda house, key: house.ask(
        "PUT", f"/photos/{key}?symlink", headers={"x-oss-symlink-target": "source"}
    ),
    "form": post_form,
}


@pytest.mark.parametrize("way", WAYS)
async def test_no_write_replaces_an_object_that_a_rule_protects(way: str) -> None:
    house = await a_house()
    before = house.contents()
    answer = await WAYS[way](house, "a.txt")
    assert answer.refusal == (409, "FileAlreadyExists")
    assert house.contents() == before


@pytest.mark.parametrize("way", [way for way in WAYS if way != "copy onto itself"])
async def test_a_key_without_an_object_is_free(way: str) -> None:
    house = await a_house()
    assert (await WAYS[way](house, "new.txt")).status in (200, 204)


async def test_an_upload_that_began_before_the_object_is_not_completed_over_it() -> None:
    house = await a_house()
    query = await begin(house, "new.txt")
    await house.put("/photos/new.txt", b"first")
    answer = await house.ask("POST", f"/photos/new.txt?{query}", headers={"x-oss-complete-all": "yes"})
    assert answer.refusal == (409, "FileAlreadyExists")
    assert (await house.ask("GET", "/photos/new.txt")).body == b"first"


async def test_an_upload_of_a_new_key_is_completed() -> None:
    assert (await complete(await a_house(), "new.txt")).status == 200


async def test_an_append_behind_what_is_there_counts_as_overwriting() -> None:
    house = await a_house()
    answer = await house.ask("POST", "/photos/log?append&position=5", b"second")
    assert answer.refusal == (409, "FileAlreadyExists")
    assert (await house.ask("GET", "/photos/log")).body == b"first"


async def test_a_header_that_allows_it_does_not_help() -> None:
    house = await a_house()
    answer = await house.ask("PUT", "/photos/a.txt", b"x", {"x-oss-forbid-overwrite": "false"})
    assert answer.refusal == (409, "FileAlreadyExists")


async def test_deleting_is_not_overwriting() -> None:
    house = await a_house()
    assert (await house.ask("DELETE", "/photos/a.txt")).status == 204
    await house.put("/photos/a.txt", b"second")


async def test_where_old_versions_are_kept_nothing_is_forbidden() -> None:
    house = await a_house()
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await house.ask("PUT", "/photos/?versioning", enabled)).status == 200
    await house.put("/photos/a.txt", b"second")


@pytest.mark.parametrize(
    ("inner", "key", "forbidden"),
    [
        ("", "any", True),
        ("<Prefix/><Suffix/>", "any", True),
        ("<Prefix>logs/</Prefix>", "logs/a", True),
        ("<Prefix>logs/</Prefix>", "Logs/a", False),
        ("<Suffix>.log</Suffix>", "a.log", True),
        ("<Suffix>.log</Suffix>", "a.log.1", False),
        ("<Prefix>logs/</Prefix><Suffix>.log</Suffix>", "logs/a.log", True),
        ("<Prefix>logs/</Prefix><Suffix>.log</Suffix>", "logs/a.txt", False),
        ("<Prefix>logs/</Prefix><Suffix>.log</Suffix>", "old/a.log", False),
        ("<Prefix>l.*</Prefix>", "logs/a", False),
    ],
)
async def test_a_rule_is_about_keys_with_its_prefix_and_its_suffix(inner: str, key: str, forbidden: bool) -> None:
    house = await a_house(f"<Rule><Action>forbid</Action>{inner}</Rule>")
    await house.put(f"/photos/{key}")
    assert (await house.ask("PUT", f"/photos/{key}", b"again")).status == (409 if forbidden else 200)


async def test_one_rule_of_many_is_enough() -> None:
    house = await a_house("".join(f"<Rule><Action>forbid</Action><Prefix>{each}</Prefix></Rule>" for each in "xya"))
    assert (await house.ask("PUT", "/photos/a.txt", b"again")).status == 409
    await house.put("/photos/source", b"again")


@pytest.mark.parametrize(
    ("principal", "refused"),
    [
        ("*", {"OwnerKey", "StrangerKey"}),
        ("1000000000000001", {"OwnerKey"}),
        ("2000000000000002", {"StrangerKey"}),
        ("acs:ram::2000000000000002:root", {"StrangerKey"}),
        ("3000000000000003", set()),
    ],
)
async def test_a_rule_with_principals_is_about_them_alone(principal: str, refused: set[str]) -> None:
    principals = f"<Principals><Principal>{principal}</Principal></Principals>"
    house = await a_house(f"<Rule><Action>forbid</Action>{principals}</Rule>")

    async def status(by: AccessKey) -> int:
        return (await house.ask("PUT", "/photos/a.txt", b"again", by=by)).status

    assert {by.access_key_id for by in (OWNER, STRANGER) if await status(by) == 409} == refused


# --- the document ----------------------------------------------------------------------------------------------------


async def test_what_was_put_comes_back_with_an_id_for_each_rule() -> None:
    house = await a_house("<Rule><ID>one</ID><Action>forbid</Action><Prefix>a/</Prefix></Rule>" + EVERYTHING)
    answer = await house.ask("GET", "/photos/?overwriteConfig")
    assert (answer.status, answer.xml.tag) == (200, "OverwriteConfiguration")
    assert answer.texts("Rule/Action") == ["forbid", "forbid"]
    assert answer.texts("Rule/Prefix") == ["a/", ""]
    first, second = answer.texts("Rule/ID")
    assert first == "one"
    assert len(second) == 32


async def test_without_a_document_nothing_is_forbidden() -> None:
    house = await a_house()
    assert (await house.ask("DELETE", "/photos/?overwriteConfig")).status == 204
    assert (await house.ask("GET", "/photos/?overwriteConfig")).refusal == (404, "NoSuchBucketOverwriteConfig")
    await house.put("/photos/a.txt", b"second")
    assert (await house.ask("DELETE", "/photos/?overwriteConfig")).status == 204


def a_rule(inner: str) -> str:
    return f"<Rule><Action>forbid</Action>{inner}</Rule>"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("", "MalformedXML"),
        ("<Rule/>", "MalformedXML"),
        ("<Rule><Action>allow</Action></Rule>", "MalformedXML"),
        ("<Rule><Action>Forbid</Action></Rule>", "MalformedXML"),
        (a_rule("<Prefix>a</Prefix><Prefix>b</Prefix>"), "MalformedXML"),
        (a_rule("<Principals/><Principals/>"), "MalformedXML"),
        (a_rule("<Principals><Principal/></Principals>"), "MalformedXML"),
        (a_rule("") * 101, "MalformedXML"),
        (a_rule("<ID>a</ID>") * 2, "InvalidArgument"),
        (a_rule(f"<ID>{'a' * 256}</ID>"), "InvalidArgument"),
        (a_rule(f"<Prefix>{'a' * 1024}</Prefix>"), "InvalidArgument"),
        (a_rule(f"<Suffix>{'a' * 1024}</Suffix>"), "InvalidArgument"),
        (a_rule("<Principals><Principal>ann</Principal></Principals>"), "InvalidArgument"),
        (a_rule(f"<Prefix>{'a' * 600_000}</Prefix>"), "MalformedXML"),
    ],
)
async def test_a_document_that_is_none_is_refused(rules: str, code: str) -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?overwriteConfig", a_document(rules))).refusal == (400, code)
    assert (await house.ask("GET", "/photos/?overwriteConfig")).status == 404


async def test_a_hundred_full_rules_are_taken() -> None:
    full = a_rule(f"<Prefix>{'a' * 1023}</Prefix><Suffix>{'b' * 1023}</Suffix>")
    house = await a_house(full * 100)
    assert len((await house.ask("GET", "/photos/?overwriteConfig")).texts("Rule")) == 100
