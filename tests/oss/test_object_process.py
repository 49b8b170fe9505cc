"""GetObject with x-oss-process, ProcessObject, and the four operations of styles; what renders is a stub."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import pytest

from coatcheck.configurations import process_task
from coatcheck.configurations.process_task import ProcessTask
from coatcheck.core.author import Author
from coatcheck.core.errors import NOT_A_PICTURE
from coatcheck.engines.memory_bytes import MemoryBlobReader, MemoryByteStore
from coatcheck.engines.results import name_result
from coatcheck.images.text import read_plan
from coatcheck.oss import object_process
from coatcheck.ports.renderer import Job, Rendered

from .house import ANYBODY, NOW, OWNER, REQUEST_ID, STRANGER, House

PICTURE = b"the picture" * 10_000  # a blob, not inline
RESIZE = "x-oss-process=image/resize,w_100"


@dataclass
class StubRenderer:
    """Answers with what it was asked; "text" objects are no pictures."""

    jobs: list[Job] = field(default_factory=list)
    results: MemoryByteStore | None = None  # where remembered results are read from

    async def render(self, job: Job) -> Rendered:
        self.jobs.append(job)
        source = b"".join([chunk async for chunk in job.source.chunks()])
        assert len(source) == job.source.size
        if source.startswith(b"text"):
            raise NOT_A_PICTURE()
        for mark in job.marks.values():
            assert b"".join([chunk async for chunk in mark.chunks()])
        format = read_plan(job.process).format or "jpg"
        body = f"{job.process} of {len(source)} bytes".encode()
        kind = {"jpg": "image/jpeg"}.get(format, f"image/{format}")
        if self.results is not None:
            return Rendered(kind, len(body), MemoryBlobReader(self.results, [memoryview(body)]))
        return Rendered(kind, len(body), body)


@pytest.fixture
async def studio() -> House:
    house = House()
    ports = house.pipeline._ports
    house.pipeline._ports = ports._replace(renderer=StubRenderer())
    await house.with_bucket()
    await house.put("/photos/a.jpg", PICTURE, {"x-oss-meta-colour": "green", "cache-control": "no-cache"})
    return house


def stub(house: House) -> Any:
    return house.pipeline._ports.renderer


def b64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


# --- GetObject ---


async def test_the_result_goes_out_under_the_sources_etag(studio: House) -> None:
    plain = await studio.ask("GET", "/photos/a.jpg")
    answer = await studio.ask("GET", f"/photos/a.jpg?{RESIZE}/format,webp")
    assert answer.status == 200
    assert answer.body == b"image/resize,w_100/format,webp of 110000 bytes"
    assert answer.headers["content-type"] == "image/webp"
    for name in ("etag", "last-modified", "x-oss-meta-colour", "cache-control"):
        assert answer.headers[name] == plain.headers[name]
    # SDKs compare these with the bytes they receive
    assert not {"x-oss-hash-crc64ecma", "content-md5", "accept-ranges", "content-encoding"} & set(answer.headers)


@pytest.mark.parametrize("text", ["image/resize,w_100", "image%2Fresize%2Cw_100"])
async def test_slashes_and_commas_may_be_encoded_or_not(studio: House, text: str) -> None:
    assert (await studio.ask("GET", f"/photos/a.jpg?x-oss-process={text}")).body.startswith(b"image/resize,w_100 of")


async def test_a_range_is_ignored(studio: House) -> None:
    answer = await studio.ask("GET", f"/photos/a.jpg?{RESIZE}", headers={"range": "bytes=0-4"})
    assert (answer.status, "content-range" in answer.headers) == (200, False)


async def test_conditions_are_the_sources_and_come_before_any_work(studio: House) -> None:
    etag = (await studio.ask("GET", "/photos/a.jpg")).headers["etag"]
    fresh = await studio.ask("GET", f"/photos/a.jpg?{RESIZE}", headers={"if-none-match": etag})
    stale = await studio.ask("GET", f"/photos/a.jpg?{RESIZE}", headers={"if-match": '"x"'})
    assert (fresh.status, fresh.body, stale.status, stub(studio).jobs) == (304, b"", 412, [])


async def test_head_tells_of_the_source(studio: House) -> None:
    answer = await studio.ask("HEAD", f"/photos/a.jpg?{RESIZE}")
    assert (answer.status, answer.announced, stub(studio).jobs) == (200, 110_000, [])


async def test_an_empty_value_is_the_plain_object(studio: House) -> None:
    for query in ("x-oss-process", "x-oss-process="):
        assert (await studio.ask("GET", f"/photos/a.jpg?{query}")).body == PICTURE


async def test_overrides_apply(studio: House) -> None:
    query = f"{RESIZE}&response-content-disposition=attachment&response-content-type=a/b"
    answer = await studio.ask("GET", f"/photos/a.jpg?{query}")
    assert (answer.headers["content-disposition"], answer.headers["content-type"]) == ("attachment", "a/b")


async def test_a_traffic_limit_applies(studio: House) -> None:
    answer = await studio.ask("GET", f"/photos/a.jpg?{RESIZE}&x-oss-traffic-limit=838860800")
    assert (answer.status, answer.body) == (200, b"image/resize,w_100 of 110000 bytes")
    assert (await studio.ask("GET", f"/photos/a.jpg?{RESIZE}&x-oss-traffic-limit=1")).status == 400


async def test_the_newest_version_is_processed_whichever_is_named(studio: House) -> None:
    document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await studio.ask("PUT", "/photos/?versioning", document)).status == 200
    old = (await studio.put("/photos/v.jpg", b"old")).headers["x-oss-version-id"]
    new = (await studio.put("/photos/v.jpg", b"newer")).headers["x-oss-version-id"]
    answer = await studio.ask("GET", f"/photos/v.jpg?{RESIZE}&versionId={old}")
    assert (answer.body, answer.headers["x-oss-version-id"]) == (b"image/resize,w_100 of 5 bytes", new)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("x-oss-process=image/resize,w_0", (400, "InvalidArgument")),
        ("x-oss-process=image/resize", (400, "MissingArgument")),
        ("x-oss-process=image/", (400, "InvalidArgument")),
        ("x-oss-process=image", (400, "InvalidArgument")),
        ("x-oss-process=image/resize,w_1|sys/saveas,o_YQ", (400, "InvalidArgument")),
        ("x-oss-process=video/snapshot,t_7000", (400, "NotImplemented")),
        ("x-oss-process=hello", (400, "NotImplemented")),
        ("x-oss-process=style/nosuch", (404, "NoSuchStyle")),
        ("x-oss-process=style/no*such", (400, "InvalidArgument")),
        ("x-oss-process=style/", (400, "InvalidArgument")),
    ],
)
async def test_what_is_wrong_with_the_request_is_said_first(
    studio: House, query: str, refusal: tuple[int, str]
) -> None:
    for key in ("a.jpg", "missing.jpg"):
        assert (await studio.ask("GET", f"/photos/{key}?{query}")).refusal == refusal
    assert not stub(studio).jobs


async def test_an_encrypted_object_is_processed_and_its_results_are_not_remembered(studio: House) -> None:
    for key, body in (("small.jpg", b"inline"), ("large.jpg", PICTURE)):
        await studio.put(f"/photos/{key}", body, {"x-oss-server-side-encryption": "AES256"})
        answer = await studio.ask("GET", f"/photos/{key}?{RESIZE}")
        assert answer.body == f"image/resize,w_100 of {len(body)} bytes".encode()
        assert not stub(studio).jobs[-1].source.remember
    await studio.ask("GET", f"/photos/a.jpg?{RESIZE}")
    assert stub(studio).jobs[-1].source.remember


async def test_a_link_to_a_picture_is_the_picture(studio: House) -> None:
    link = {"x-oss-symlink-target": "a.jpg"}
    assert (await studio.ask("PUT", "/photos/link?symlink", headers=link)).status == 200
    answer = await studio.ask("GET", f"/photos/link?{RESIZE}")
    assert answer.body == b"image/resize,w_100 of 110000 bytes"
    await studio.put("/photos/mark.png", b"mark")
    await studio.ask("PUT", "/photos/mark-link?symlink", headers={"x-oss-symlink-target": "mark.png"})
    query = f"x-oss-process=image/watermark,image_{b64('mark-link')}"
    assert (await studio.ask("GET", f"/photos/a.jpg?{query}")).status == 200
    assert stub(studio).jobs[-1].marks["mark-link"].size == 4
    assert (await studio.ask("POST", "/photos/link?x-oss-process", save("saved.png"))).status == 200


async def test_a_missing_object_is_a_missing_key(studio: House) -> None:
    answer = await studio.ask("GET", f"/photos/missing.jpg?{RESIZE}")
    assert answer.refusal == (404, "NoSuchKey")
    assert answer.text("EC") == "0040-00000024"


async def test_what_the_renderer_refuses_goes_to_the_client(studio: House) -> None:
    await studio.put("/photos/notes.txt", b"text")
    answer = await studio.ask("GET", f"/photos/notes.txt?{RESIZE}")
    assert answer.refusal == (400, "BadRequest")
    assert answer.text("Message") == "This image format is not supported."


async def test_reading_is_what_it_takes(studio: House) -> None:
    for by in (STRANGER, ANYBODY):
        assert (await studio.ask("GET", f"/photos/a.jpg?{RESIZE}", by=by)).refusal == (403, "AccessDenied")
    await studio.ask("PUT", "/photos/a.jpg?acl", headers={"x-oss-object-acl": "public-read"})
    assert (await studio.ask("GET", f"/photos/a.jpg?{RESIZE}", by=ANYBODY)).status == 200


async def test_a_link_can_be_asked_for_nothing_else(studio: House) -> None:
    url = studio.link("GET", "a.jpg", query={"x-oss-process": "image/resize,w_300"})
    assert (await studio.follow(url)).status == 200
    for forged in (
        url.replace("w_300", "w_301"),
        url.replace("x-oss-process", "x-oss-proces"),
        url.replace("x-oss-process=image%2Fresize%2Cw_300&", ""),
        url + "&x-oss-process=image%2Finfo",
    ):
        assert forged != url
        assert (await studio.follow(forged)).refusal == (403, "SignatureDoesNotMatch")


# --- watermark pictures ---


async def test_a_mark_is_an_object_of_the_same_bucket(studio: House) -> None:
    await studio.put("/photos/logo.png", b"logo")
    answer = await studio.ask("GET", f"/photos/a.jpg?x-oss-process=image/watermark,image_{b64('logo.png')}")
    assert answer.status == 200
    assert {key: picture.size for key, picture in stub(studio).jobs[0].marks.items()} == {"logo.png": 4}


@pytest.mark.parametrize("key", ["missing.png", "/absolute.png", "a" * 1100])
async def test_a_missing_mark_is_named(studio: House, key: str) -> None:
    answer = await studio.ask("GET", f"/photos/a.jpg?x-oss-process=image/watermark,image_{b64(key)}")
    assert answer.refusal == (400, "WatermarkError")


async def test_a_mark_needs_the_right_to_read_it_too(studio: House) -> None:
    """Else a public picture would show a private one, and tell whether it is there."""
    await studio.ask("PUT", "/photos/a.jpg?acl", headers={"x-oss-object-acl": "public-read"})
    await studio.put("/photos/secret.png", b"secret")
    answers = [
        await studio.ask("GET", f"/photos/a.jpg?x-oss-process=image/watermark,image_{b64(key)}", by=ANYBODY)
        for key in ("secret.png", "missing.png")
    ]
    assert [answer.refusal for answer in answers] == [(400, "WatermarkError")] * 2
    assert answers[0].text("Message") == answers[1].text("Message")
    assert not stub(studio).jobs


# --- what results are remembered under ---


async def name_of(house: House, query: str = RESIZE, key: str = "a.jpg") -> str:
    assert (await house.ask("GET", f"/photos/{key}?{query}")).status == 200
    return name_result(stub(house).jobs[-1])


async def test_two_ways_to_say_the_same_have_one_result(studio: House) -> None:
    same = {await name_of(studio, f"x-oss-process=image/{t}") for t in ("resize,w_9", "resize,m_lfit,w_9,x_1")}
    assert len(same) == 1
    assert await name_of(studio, "x-oss-process=image/resize,w_8") not in same


async def test_an_object_that_is_replaced_has_new_results(studio: House) -> None:
    before = await name_of(studio)
    await studio.put("/photos/a.jpg", PICTURE)
    again = await name_of(studio)
    await studio.put("/photos/a.jpg", b"inline")
    inline = await name_of(studio)
    await studio.put("/photos/b.jpg", b"inline")
    assert len({before, again, inline, await name_of(studio, key="b.jpg")}) == 4


async def test_a_mark_that_is_replaced_makes_a_new_result(studio: House) -> None:
    await studio.put("/photos/logo.png", b"logo")
    query = f"x-oss-process=image/watermark,image_{b64('logo.png')}"
    before = await name_of(studio, query)
    await studio.put("/photos/logo.png", b"another")
    assert await name_of(studio, query) != before


# --- ProcessObject ---


def save(key: str, bucket: str = "", plan: str = "image/resize,w_100/format,png") -> bytes:
    to_bucket = f",b_{b64(bucket)}" if bucket else ""
    return f"x-oss-process={plan}|sys/saveas,o_{b64(key)}{to_bucket}".encode()


async def test_the_result_is_stored(studio: House) -> None:
    answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("thumbs/ü 1.png"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body) == {"bucket": "", "fileSize": 45, "object": "thumbs/ü 1.png", "status": "OK"}
    stored = await studio.ask("GET", "/photos/thumbs/%C3%BC%201.png")
    assert stored.body == b"image/resize,w_100/format,png of 110000 bytes"
    assert stored.headers["content-type"] == "image/png"
    assert "x-oss-meta-colour" not in stored.headers


async def test_the_result_may_go_to_another_bucket_of_the_owner(studio: House) -> None:
    await studio.with_bucket("thumbs")
    answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("a.png", "thumbs"))
    assert json.loads(answer.body)["bucket"] == "thumbs"
    assert (await studio.ask("GET", "/thumbs/a.png")).status == 200
    assert (await studio.ask("GET", "/photos/a.png")).status == 404


async def test_a_rule_against_overwriting_keeps_a_result_from_replacing_an_object(studio: House) -> None:
    rule = b"<OverwriteConfiguration><Rule><Action>forbid</Action><Suffix>.png</Suffix></Rule></OverwriteConfiguration>"
    assert (await studio.ask("PUT", "/photos/?overwriteConfig", rule)).status == 200
    assert (await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("new.png"))).status == 200
    again = await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("new.png"))
    assert again.refusal == (409, "FileAlreadyExists")


async def test_the_body_may_be_percent_encoded_and_in_standard_base64(studio: House) -> None:
    body = b"x-oss-process=image%2Fresize%2Cw_100%7Csys%2Fsaveas%2Co_Pz8%2FLnBuZw%3D%3D%2Cb_cGhvdG9z"
    answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process=", body)
    assert json.loads(answer.body) == {"bucket": "photos", "fileSize": 34, "object": "???.png", "status": "OK"}


# --- AsyncProcessObject ---


ASYNC = "/photos/a.jpg?x-oss-async-process"


def save_later(key: str, bucket: str = "") -> bytes:
    return b"x-oss-async" + save(key, bucket).removeprefix(b"x-oss")


def entries_of(house: House) -> dict[str, str]:
    """Tasks that wait, by name."""
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    return house.catalog.entries_of(bucket.bucket_id, process_task.WAITING)


async def test_what_is_to_be_saved_after_the_reply_is_an_entry_of_the_bucket(studio: House) -> None:
    answer = await studio.ask("POST", ASYNC, save_later("b.jpg"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    [(name, document)] = entries_of(studio).items()
    assert json.loads(answer.body) == {"EventId": name, "RequestId": REQUEST_ID, "TaskId": f"Image-{name}"}
    author = Author(OWNER.account, at=NOW)
    task = ProcessTask("a.jpg", "image/resize,w_100/format,png", "photos", "b.jpg", author)
    assert process_task.from_json(document) == task
    assert not stub(studio).jobs


async def test_what_cannot_be_is_refused_at_once(studio: House) -> None:
    for body, refusal in (
        (save("b.jpg"), (400, "InvalidArgument")),  # the other operation's parameter
        (save_later("b.jpg", "no-such-bucket"), (404, "NoSuchBucket")),
        (save_later("b.jpg") + b"/notify,topic_QQ", (400, "BadRequest")),
    ):
        assert (await studio.ask("POST", ASYNC, body)).refusal == refusal
    assert (await studio.ask("POST", f"{ASYNC}=video/convert", save_later("b"))).refusal == (400, "NotImplemented")
    missing = ASYNC.replace("a.jpg", "none.jpg")
    assert (await studio.ask("POST", missing, save_later("b.jpg"))).refusal == (404, "NoSuchKey")
    for by in (STRANGER, ANYBODY):
        assert (await studio.ask("POST", ASYNC, save_later("b.jpg"), by=by)).refusal == (403, "AccessDenied")
    assert entries_of(studio) == {}


async def test_more_than_may_wait_are_refused(studio: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_process, "TASKS_PER_BUCKET", 1)
    assert (await studio.ask("POST", ASYNC, save_later("b.jpg"))).status == 200
    assert (await studio.ask("POST", ASYNC, save_later("c.jpg"))).refusal == (503, "ServiceUnavailable")
    assert len(entries_of(studio)) == 1


async def test_a_style_can_be_saved(studio: House) -> None:
    await put_style(studio, "small", "image/resize,w_100")
    answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("s.jpg", plan="style/small"))
    assert answer.status == 200
    assert (await studio.ask("GET", "/photos/s.jpg")).body == b"image/resize,w_100 of 110000 bytes"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (400, "InvalidArgument")),
        (b"hello", (400, "InvalidArgument")),
        (b"\xff", (400, "InvalidArgument")),
        (b"x" * 20_000, (400, "InvalidArgument")),
        (b"x-oss-process=image/resize,w_100", (400, "InvalidArgument")),
        (b"x-oss-process=image/resize,w_100|sys/saveas", (400, "InvalidArgument")),
        (b"x-oss-process=image/resize,w_100|sys/saveas,o_", (400, "InvalidArgument")),
        (b"x-oss-process=image/resize,w_100|sys/saveas,o_A", (400, "BadRequest")),
        (b"x-oss-process=image/info|sys/saveas,o_YQ", (400, "InvalidArgument")),
        (b"x-oss-process=image/resize,w_0|sys/saveas,o_YQ", (400, "InvalidArgument")),
        (b"x-oss-process=video/snapshot|sys/saveas,o_YQ", (400, "NotImplemented")),
        (save("/a"), (400, "InvalidObjectName")),
        (save("a" * 1024), (400, "InvalidObjectName")),
        (save("a", "no-such-bucket"), (404, "NoSuchBucket")),
        (save("a", "Bad_Name"), (404, "NoSuchBucket")),
    ],
)
async def test_a_body_that_says_something_else_is_refused(studio: House, body: bytes, refusal: tuple[int, str]) -> None:
    before = studio.contents()
    answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process", body)
    assert answer.refusal == refusal
    assert studio.contents() == before
    assert not stub(studio).jobs


async def test_saving_is_the_owners(studio: House) -> None:
    await studio.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read-write"})
    for by in (STRANGER, ANYBODY):
        answer = await studio.ask("POST", "/photos/a.jpg?x-oss-process", save("a.png"), by=by)
        assert answer.refusal == (403, "AccessDenied")


async def test_what_post_asks_for_stands_in_the_body(studio: House) -> None:
    answer = await studio.ask("POST", f"/photos/a.jpg?{RESIZE}", save("a.png"))
    assert answer.refusal == (400, "NotImplemented")


# --- styles ---


async def put_style(house: House, name: str, content: str, more: str = "") -> Any:
    body = f"<Style><Content>{content}</Content></Style>".encode()
    return await house.ask("PUT", f"/photos/?style&styleName={name}{more}", body)


async def test_a_style_comes_back_as_it_was_put(studio: House) -> None:
    assert (await put_style(studio, "small", "image/resize,p_50")).status == 200
    answer = await studio.ask("GET", "/photos/?style&styleName=small")
    assert [answer.text(name) for name in ("Name", "Content", "Category", "CreateTime", "LastModifyTime")] == [
        "small",
        "image/resize,p_50",
        "image",
        "Thu, 05 Mar 2026 07:08:09 GMT",
        "Thu, 05 Mar 2026 07:08:09 GMT",
    ]


async def test_putting_a_style_again_keeps_when_it_was_made(studio: House) -> None:
    await put_style(studio, "small", "image/resize,p_50")
    studio.now += 3600
    await put_style(studio, "small", "image/resize,p_60", "&category=document")
    answer = await studio.ask("GET", "/photos/?style&styleName=small")
    assert answer.text("Content") == "image/resize,p_60"
    assert answer.text("Category") == "document"
    assert (answer.text("CreateTime"), answer.text("LastModifyTime")) == (
        "Thu, 05 Mar 2026 07:08:09 GMT",
        "Thu, 05 Mar 2026 08:08:09 GMT",
    )


async def test_styles_are_listed_by_name_and_deleted(studio: House) -> None:
    assert (await studio.ask("GET", "/photos/?style")).texts("Style/Name") == []
    for name in ("b", "a", "A-1_2.3"):
        await put_style(studio, name, "image/resize,p_50")
    assert (await studio.ask("GET", "/photos/?style")).texts("Style/Name") == ["A-1_2.3", "a", "b"]
    for _ in range(2):
        assert (await studio.ask("DELETE", "/photos/?style&styleName=a")).status == 204
    assert (await studio.ask("GET", "/photos/?style")).texts("Style/Name") == ["A-1_2.3", "b"]
    assert (await studio.ask("GET", "/photos/?style&styleName=a")).refusal == (404, "NoSuchStyle")


async def test_a_style_is_used_by_its_name(studio: House) -> None:
    await put_style(studio, "small", "image/resize,w_100/format,webp")
    answer = await studio.ask("GET", "/photos/a.jpg?x-oss-process=style/small")
    assert answer.body == b"image/resize,w_100/format,webp of 110000 bytes"
    await put_style(studio, "small", "image/resize,w_200")
    assert (await studio.ask("GET", "/photos/a.jpg?x-oss-process=style/small")).body.startswith(b"image/resize,w_200")


async def test_a_style_is_not_resolved_twice(studio: House) -> None:
    await put_style(studio, "one", "style/two")
    assert (await studio.ask("GET", "/photos/a.jpg?x-oss-process=style/one")).refusal == (400, "NotImplemented")


@pytest.mark.parametrize("name", ["", "Images!tyle", "a" * 64, "ü", "a%20b"])
async def test_a_bad_name_is_refused(studio: House, name: str) -> None:
    for method, body in (("PUT", b"<Style><Content>image/info</Content></Style>"), ("GET", b""), ("DELETE", b"")):
        address = f"/photos/?style&styleName={name}".encode().decode("ascii", "ignore") if name == "ü" else None
        answer = await studio.ask(method, address or f"/photos/?style&styleName={name}", body)
        assert answer.refusal == (400, "InvalidArgument")
        assert "stylename is invalid" in (answer.text("Message") or "")


@pytest.mark.parametrize(
    "content", ["", "image/resize;w_1", "image/(x)", "a b", "image/x*", "image/x?", "a|sys/saveas", "a" * 5000]
)
async def test_bad_content_is_refused(studio: House, content: str) -> None:
    answer = await put_style(studio, "x", content)
    assert answer.refusal == (400, "BadRequest")
    assert answer.text("Message") == "Style content is invalid."


async def test_a_bucket_has_fifty_styles_at_most(studio: House) -> None:
    for number in range(50):
        assert (await put_style(studio, f"s{number}", "image/info")).status == 200
    assert (await put_style(studio, "one-more", "image/info")).refusal == (400, "BadRequest")
    assert (await put_style(studio, "s7", "image/resize,w_1")).status == 200


@pytest.mark.parametrize("by", [STRANGER, ANYBODY])
async def test_styles_are_the_owners(studio: House, by: Any) -> None:
    await studio.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read-write"})
    for method, query in (("GET", "style"), ("GET", "style&styleName=a"), ("DELETE", "style&styleName=a")):
        assert (await studio.ask(method, f"/photos/?{query}", by=by)).refusal == (403, "AccessDenied")


async def test_a_remembered_result_is_sent_saved_and_closed(studio: House) -> None:
    stub(studio).results = results = MemoryByteStore()
    assert (await studio.ask("GET", f"/photos/a.jpg?{RESIZE}")).body == b"image/resize,w_100 of 110000 bytes"
    body = f"{RESIZE}|sys/saveas,o_{b64('saved.jpg')}".encode()
    assert (await studio.ask("POST", "/photos/a.jpg?x-oss-process", body)).status == 200
    assert (await studio.ask("GET", "/photos/saved.jpg")).body == b"image/resize,w_100 of 110000 bytes"
    assert results.opened == 0
