"""Replication in S3's grammar, and notifications, of which there are none."""

from __future__ import annotations

import pytest

from coatcheck.configurations.replication import from_json

from ..oss.house import OWNER, STRANGER, House
from .asking import ask

ON = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
ROLE = f"arn:aws:iam::{OWNER.account}:role/copier"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    for name in ("photos", "copies", "plain"):
        await ask(house, "PUT", f"/{name}")
        if name != "plain":
            assert (await ask(house, "PUT", f"/{name}?versioning", ON)).status == 200
    await ask(house, "PUT", "/foreign", by=STRANGER)
    return house


def a_rule(inside: str = "<Prefix>a/</Prefix>", destination: str = "", target: str = "arn:aws:s3:::copies") -> str:
    return (
        f"<Rule><ID>one</ID><Status>Enabled</Status>{inside}"
        f"<Destination><Bucket>{target}</Bucket>{destination}</Destination></Rule>"
    )


def a_document(*rules: str, role: str = ROLE) -> bytes:
    named = f"<Role>{role}</Role>" if role else ""
    inside = f"{named}{''.join(rules)}"
    return f'<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</ReplicationConfiguration>'.encode()


FILTERED = (
    "<Priority>7</Priority><Filter><Prefix>a/</Prefix></Filter>"
    "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
    "<ExistingObjectReplication><Status>Enabled</Status></ExistingObjectReplication>"
)
TIMED = (
    "<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>"
    "<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>"
)


async def test_a_rule_comes_back_and_is_the_one_of_oss(house: House) -> None:
    missing = (404, "ReplicationConfigurationNotFoundError")
    assert (await ask(house, "GET", "/photos?replication")).refusal == missing
    assert (await ask(house, "PUT", "/photos?replication", a_document(a_rule(FILTERED, TIMED)))).status == 200
    shown = await ask(house, "GET", "/photos?replication")
    assert shown.text("{*}Role") == ROLE
    assert shown.text("{*}Rule/{*}ID") == "one"
    assert shown.text("{*}Rule/{*}Priority") == "7"
    assert shown.text("{*}Rule/{*}Filter/{*}Prefix") == "a/"
    assert shown.text("{*}Rule/{*}DeleteMarkerReplication/{*}Status") == "Disabled"
    assert shown.text("{*}Rule/{*}ExistingObjectReplication/{*}Status") == "Enabled"
    assert shown.text("{*}Rule/{*}Destination/{*}Bucket") == "arn:aws:s3:::copies"
    assert shown.texts("{*}Rule/{*}Destination/*/*/{*}Minutes") == ["15", "15"]
    by_oss = await house.ask("GET", "/photos?replication")
    assert by_oss.text("Rule/PrefixSet/Prefix") == "a/"
    assert by_oss.text("Rule/Action") == "PUT"
    assert by_oss.text("Rule/Destination/Location") == "oss-cn-hangzhou"
    assert by_oss.text("Rule/SyncRole") == f"acs:ram::{OWNER.account}:role/copier"
    assert by_oss.text("Rule/HistoricalObjectReplication") == "enabled"
    assert by_oss.text("Rule/RTC/Status") == "enabled"
    assert (await ask(house, "DELETE", "/photos?replication")).status == 204
    assert (await ask(house, "GET", "/photos?replication")).refusal == missing


async def test_the_grammar_of_old_and_another_rule_in_its_place(house: House) -> None:
    assert (await ask(house, "PUT", "/photos?replication", a_document(a_rule(FILTERED)))).status == 200
    assert (
        await ask(house, "PUT", "/photos?replication", a_document(a_rule("<Prefix></Prefix>"), role=""))
    ).status == 200
    shown = await ask(house, "GET", "/photos?replication")
    assert shown.text("{*}Role") == f"arn:aws:iam::{OWNER.account}:root"
    assert shown.text("{*}Rule/{*}Prefix") == ""
    assert shown.text("{*}Rule/{*}DeleteMarkerReplication/{*}Status") == "Enabled"
    assert shown.text("{*}Rule/{*}Priority") is None
    assert shown.text("{*}Rule/{*}ExistingObjectReplication/{*}Status") is None
    again = a_document(a_rule("<Prefix></Prefix>"), role=shown.text("{*}Role") or "")
    assert (await ask(house, "PUT", "/photos?replication", again)).status == 200
    stored = (await house.catalog.find_bucket("photos")).configuration("replication")  # type: ignore[union-attr]
    rule = from_json(stored or "")
    assert (rule.deletes, rule.historical, rule.role, rule.author is not None) == (True, False, None, True)


async def test_a_rule_of_oss_is_shown_where_s3_has_words_for_it(house: House) -> None:
    for prefixes, status in (("<Prefix>a</Prefix>", 200), ("<Prefix>a</Prefix><Prefix>b</Prefix>", 501)):
        document = (
            f"<ReplicationConfiguration><Rule><ID>two</ID><PrefixSet>{prefixes}</PrefixSet><SyncRole>copier</SyncRole>"
            "<Destination><Bucket>copies</Bucket><Location>oss-cn-hangzhou</Location></Destination></Rule>"
            "</ReplicationConfiguration>"
        ).encode()
        assert (await house.ask("POST", "/photos?replication&comp=add", document)).status == 200
        shown = await ask(house, "GET", "/photos?replication")
        assert shown.status == status
        if status == 200:
            assert shown.text("{*}Role") == ROLE
            assert shown.text("{*}Rule/{*}Prefix") == "a"
        assert (await ask(house, "DELETE", "/photos?replication")).status == 204


INVALID, MALFORMED, NOT_BUILT = (400, "InvalidRequest"), (400, "MalformedXML"), (501, "NotImplemented")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", MALFORMED),
        (a_document(), MALFORMED),
        (a_document(a_rule(), a_rule()), NOT_BUILT),
        (a_document(a_rule().replace("Enabled", "Disabled")), NOT_BUILT),
        (a_document(a_rule().replace("Enabled", "On")), (400, "InvalidArgument")),
        (a_document(a_rule(target="copies")), INVALID),
        (a_document(a_rule(target="arn:aws:s3:::nowhere")), INVALID),
        (a_document(a_rule(target="arn:aws:s3:::foreign")), INVALID),
        (a_document(a_rule(target="arn:aws:s3:::photos")), INVALID),
        (a_document(a_rule(target="arn:aws:s3:::plain")), INVALID),
        (a_document(a_rule("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>")), NOT_BUILT),
        (a_document(a_rule("<Filter><And><Prefix>a</Prefix></And></Filter>")), NOT_BUILT),
        (a_document(a_rule("<Priority>x</Priority>")), MALFORMED),
        (a_document(a_rule("<Priority>-1</Priority>")), MALFORMED),
        (a_document(a_rule(f"<Prefix>{'a' * 1024}</Prefix>")), INVALID),
        (a_document(a_rule("<Dance/>")), MALFORMED),
        (a_document(a_rule(destination="<StorageClass>STANDARD</StorageClass>")), NOT_BUILT),
        (a_document(a_rule(destination=f"<Account>{STRANGER.account}</Account>")), INVALID),
        (a_document(a_rule(destination="<Metrics><Status>Enabled</Status></Metrics>")), NOT_BUILT),
        (
            a_document(
                a_rule(
                    "<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>"
                    "</SourceSelectionCriteria>"
                )
            ),
            NOT_BUILT,
        ),
        (a_document(a_rule(), role="copier"), INVALID),
        (a_document(a_rule(), role="acs:ram::1:role/x"), INVALID),
    ],
)
async def test_what_cannot_be_is_refused_by_name(house: House, body: bytes, expected: tuple[int, str]) -> None:
    assert (await ask(house, "PUT", "/photos?replication", body)).refusal == expected
    assert (await ask(house, "GET", "/photos?replication")).status == 404


async def test_the_source_has_versions_too_and_others_may_not_put_it(house: House) -> None:
    assert (await ask(house, "PUT", "/plain?replication", a_document(a_rule()))).refusal == INVALID
    for method in ("PUT", "GET", "DELETE"):
        answer = await ask(house, method, "/photos?replication", a_document(a_rule()), by=STRANGER)
        assert answer.refusal == (403, "AccessDenied")


async def test_notifications_are_the_empty_document(house: House) -> None:
    empty = b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
    topic = b"<NotificationConfiguration><TopicConfiguration/></NotificationConfiguration>"
    assert (await ask(house, "PUT", "/photos?notification", empty)).status == 200
    refused = await ask(house, "PUT", "/photos?notification", topic)
    assert (refused.refusal, refused.text("Header")) == (NOT_BUILT, "TopicConfiguration")
    assert (await ask(house, "PUT", "/photos?notification", b"<X/>")).refusal == MALFORMED
    assert (await ask(house, "PUT", "/photos?notification", empty, by=STRANGER)).status == 403
    assert (await ask(house, "GET", "/photos?notification")).texts("*") == []
