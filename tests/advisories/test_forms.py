"""A form is taken as its signer allowed it, field by field, and never on its own word."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from coatcheck import Presigner

from ..oss.house import NOW, OWNER, REGION, GivenBody, House
from ..oss.test_post_object import BOUNDARY, a_form, post, signed, signed_text, signed_v1
from .crafting import a_house, a_policy, a_user, set_policy

BUCKET = {"bucket": "photos"}


async def two_buckets() -> House:
    house = await a_house()
    return await house.with_bucket("others")


async def test_a_field_called_bucket_satisfies_no_condition() -> None:
    """The policy's bucket is held against the bucket that is addressed, whatever a field of that name says."""
    house = await two_buckets()
    fields = signed_v1([BUCKET], fields={"bucket": "photos"})
    assert (await post(house, a_form(fields), "/others/")).refusal == (403, "AccessDenied")
    assert (await post(house, a_form(fields), "/photos/")).status == 204


async def test_a_field_called_bucket_sends_the_file_nowhere_else() -> None:
    """The file lands in the bucket that is addressed and checked."""
    house = await two_buckets()
    fields = signed_v1([["starts-with", "$key", ""]], fields={"bucket": "others"})
    assert (await post(house, a_form(fields), "/photos/")).status == 204
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"
    assert (await house.ask("GET", "/others/a.txt")).status == 404


@pytest.mark.parametrize(
    ("condition", "fields", "kind"),
    [
        (["eq", "$key", "b.txt"], {}, ""),
        ({"key": "b.txt"}, {}, ""),
        (["starts-with", "$key", "user/"], {}, ""),
        (["starts-with", "$key", "A"], {}, ""),
        (["eq", "$content-type", "image/png"], {"Content-Type": "text/html"}, ""),
        (["in", "$content-type", ["image/png", "image/jpeg"]], {}, "text/html"),
        (["not-in", "$cache-control", ["no-cache"]], {"Cache-Control": "no-cache"}, ""),
        (["eq", "$x-oss-object-acl", "private"], {"x-oss-object-acl": "public-read"}, ""),
        (["eq", "$success_action_redirect", "https://a.example"], {"success_action_redirect": "https://b.example"}, ""),
    ],
)
async def test_every_condition_of_the_policy_is_held_against_the_form(
    condition: Any, fields: dict[str, str], kind: str
) -> None:
    """The signature is of the policy; what it allows is checked field by field."""
    house = await a_house()
    before = house.contents()
    answer = await post(house, a_form(signed_v1([BUCKET, condition], fields=fields), kind=kind))
    assert answer.refusal == (403, "AccessDenied")
    assert (answer.text("Message") or "").startswith("Invalid according to Policy: Policy Condition failed:")
    assert house.contents() == before


@pytest.mark.parametrize(
    ("size", "code"),
    [(0, "EntityTooSmall"), (4, "EntityTooSmall"), (11, "EntityTooLarge"), (200_000, "EntityTooLarge")],
)
async def test_the_size_that_counts_is_that_of_the_file(size: int, code: str) -> None:
    """content-length-range is about the file's bytes, of which none are kept if they are too few or too many."""
    house = await a_house()
    before = house.contents()
    fields = signed_v1([BUCKET, ["content-length-range", 5, 10]])
    assert (await post(house, a_form(fields, b"x" * size))).refusal == (400, code)
    assert house.contents() == before
    assert (await post(house, a_form(fields, b"x" * 10))).status == 204


@pytest.mark.parametrize("missing", ["policy", "Signature", "x-oss-signature", "x-oss-credential", "x-oss-date"])
async def test_a_form_that_says_who_signs_it_has_a_policy_and_a_signature(missing: str) -> None:
    """Leaving out the policy, or the signature, doesn't leave out the check: also where anybody may upload."""
    house = await a_house(acl="public-read-write")
    whole = signed_v1([BUCKET]) if missing == "Signature" else signed("a.txt")
    fields = {name: value for name, value in whole.items() if name != missing}
    assert (await post(house, a_form(fields))).refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/a.txt")).status == 404


@pytest.mark.parametrize(
    ("condition", "status", "code"),
    [
        (["eq", "$colour", "green"], 403, "AccessDenied"),  # on a field that the form hasn't got
        (["starts-with", "$colour", "g"], 403, "AccessDenied"),
        (["in", "$colour", ["green"]], 403, "AccessDenied"),
        (["ends-with", "$key", ".txt"], 400, "InvalidPolicyDocument"),
        (["eq", "colour", "green"], 400, "InvalidPolicyDocument"),
        (["eq", "$key"], 400, "InvalidPolicyDocument"),
        ({"key": "a.txt", "colour": "green"}, 400, "InvalidPolicyDocument"),
        ("anything", 400, "InvalidPolicyDocument"),
    ],
)
async def test_a_condition_that_is_not_known_or_not_met_is_not_passed_over(
    condition: Any, status: int, code: str
) -> None:
    """What the policy asks for and the form hasn't got, or nobody understands, is a refusal."""
    house = await a_house()
    assert (await post(house, a_form(signed_v1([BUCKET, condition])))).refusal == (status, code)


async def test_the_type_of_the_part_gets_around_no_condition() -> None:
    """What is compared is the type under which the file will be stored, wherever in the form it came from."""
    house = await a_house()
    conditions = [BUCKET, ["starts-with", "$content-type", "image/"]]
    named = a_form(signed_v1(conditions, fields={"Content-Type": "image/png"}), kind="text/html")
    assert (await post(house, named)).refusal == (403, "AccessDenied")
    own = signed_v1(conditions, fields={"Content-Type": "image/png", "x-oss-content-type": "text/html"})
    assert (await post(house, a_form(own, kind="image/png"))).refusal == (403, "AccessDenied")
    assert (await post(house, a_form(signed_v1(conditions), kind="image/png"))).status == 204


@pytest.mark.parametrize("expiration", ["2026-03-05T07:08:08.000Z", "2025-03-05T08:08:09.000Z", "never", None, 1e12])
async def test_a_policy_that_is_over_or_never_ends_is_refused(expiration: object) -> None:
    """A policy has an end, and after it the form is worth nothing."""
    house = await a_house()
    answer = await post(house, a_form(signed_v1([BUCKET], expiration)))
    assert answer.trace.refusal in ("AccessDenied", "InvalidPolicyDocument")
    assert (await house.ask("GET", "/photos/a.txt")).status == 404


async def test_a_key_writes_no_conditions_into_the_policy() -> None:
    """Whatever an application lets its users call their files, the policy that it signs says what it meant."""
    evil = 'puppy.png"]],"conditions":[["eq","$x-oss-object-acl","public-read'
    presigner = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
    form = presigner.post_form("photos", evil, now=NOW, max_bytes=10)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert policy["conditions"][:2] == [{"bucket": "photos"}, {"key": evil}]
    assert policy["conditions"][-1] == ["content-length-range", 0, 10]
    house = await a_house()
    escaped = form.fields | {"key": "puppy.png"}
    assert (await post(house, a_form(escaped))).refusal == (403, "AccessDenied")


async def test_a_form_that_we_sign_is_for_one_bucket() -> None:
    """The policy of a signed form names its bucket, though the form's fields don't."""
    house = await two_buckets()
    presigner = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
    fields = presigner.post_form("photos", "a.txt", now=NOW).fields
    assert (await post(house, a_form(fields), "/others/")).refusal == (403, "AccessDenied")
    assert (await post(house, a_form(fields), "/photos/")).status == 204


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\\\..\\\\boot.ini", "/etc/passwd", "C:\\\\x\\\\passwd", "user/../../../passwd"]
)
async def test_the_name_of_a_file_is_its_last_part(name: str) -> None:
    """${filename} puts no directories into a key: nobody leaves the prefix that the policy gave them."""
    house = await a_house()
    assert (await post(house, a_form(signed("user/${filename}"), name=name))).status == 204
    stored = (await house.ask("GET", "/photos/")).texts("Contents/Key")
    assert stored == ["secret.txt", f"user/{'boot.ini' if 'boot' in name else 'passwd'}"]


async def test_a_deny_sees_what_came_in_a_field() -> None:
    """A policy that forbids public objects forbids them however they are asked for: by header or by form field."""
    alice = a_user("alice", a_policy("oss:*"))
    house = await a_house(alice)
    await set_policy(
        house,
        {
            "Effect": "Deny",
            "Action": "oss:PutObject",
            "Condition": {"StringEquals": {"oss:x-oss-object-acl": "public-read"}},
        },
    )
    acl = {"x-oss-object-acl": "public-read"}
    assert (await house.ask("PUT", "/photos/a.txt", headers=acl, by=alice)).refusal == (403, "AccessDenied")
    assert (await post(house, a_form(signed("a.txt", by=alice, fields=acl)))).refusal == (403, "AccessDenied")


async def test_a_signature_beside_a_form_signs_no_form() -> None:
    """A form's own fields say who sends it: a signed header or URL around it lends it nothing."""
    house = await a_house()
    body = a_form({"key": "a.txt"})
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = await house.ask("POST", "/photos/", GivenBody([body]), headers)
    assert answer.refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    "document",
    ["e30=", "bm8=", "[" * 20_000, '{"expiration":"2026-03-05T08:08:09.000Z","conditions":' + "[" * 20_000],
)
async def test_a_policy_that_is_none_is_refused_in_words(document: str) -> None:
    """Policies that are no JSON, no object, or nested without end are the client's fault, and none of ours."""
    house = await a_house()
    answer = await post(house, a_form(signed_text(document)))
    assert answer.refusal == (400, "InvalidPolicyDocument")
    assert (await house.ask("GET", "/photos/a.txt")).status == 404
