from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.ports.notifier import Forbidden, NoNotifier, Notice, Response, Unreachable
from coatcheck.ports.renderer import Job, Rendered

from .house import REQUEST_ID, House
from .test_post_object import a_form, post, signed

URL = "http://app.example.com/uploaded?from=oss"


@dataclass
class Application(NoNotifier):
    """Somebody who is told, and what it answers to each in turn."""

    answers: list[Response | Exception] = field(default_factory=lambda: [Response(200, True, b'{"Status":"OK"}')])
    heard: list[Notice] = field(default_factory=list)

    def may_reach(self, host: str) -> bool:
        return host != "127.0.0.1"

    async def send(self, notice: Notice) -> Response:
        self.heard.append(notice)
        answer = self.answers[min(len(self.heard), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def public_key(self) -> bytes:
        return b"-----BEGIN PUBLIC KEY-----\n"


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def a_callback(**more: Any) -> str:
    return encoded({"callbackUrl": URL, "callbackBody": "bucket=${bucket}&object=${object}", **more})


async def a_house(*answers: Response | Exception) -> tuple[House, Application]:
    application = Application(list(answers)) if answers else Application()
    return await House(notifier=application).with_bucket(), application


async def test_the_answer_of_the_application_is_the_answer_of_the_upload() -> None:
    house, application = await a_house()
    answer = await house.ask("PUT", "/photos/a%20b.txt", b"hello", {"x-oss-callback": a_callback()})
    assert (answer.status, answer.body) == (200, b'{"Status":"OK"}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'
    (notice,) = application.heard
    assert notice.url == URL
    assert notice.content_type == "application/x-www-form-urlencoded"
    assert notice.body == b"bucket=photos&object=a%20b.txt"
    assert dict(notice.headers)["x-oss-request-id"] == REQUEST_ID
    assert (await house.ask("GET", "/photos/a%20b.txt")).body == b"hello"


async def test_every_variable_of_a_form_body() -> None:
    house, application = await a_house()
    names = ["bucket", "object", "etag", "size", "mimeType", "imageInfo.height", "crc64", "contentMd5", "reqId"]
    names += ["operation", "x:who", "x:unknown"]
    callback = a_callback(callbackBody="&".join(f"{name}=${{{name}}}" for name in names), callbackHost="example.com")
    headers = {
        "x-oss-callback": callback,
        "x-oss-callback-var": encoded({"x:who": "ä&b"}),
        "content-type": "text/plain",
    }
    await house.ask("PUT", "/photos/a.txt", b"hello", headers)
    (notice,) = application.heard
    assert notice.host == "example.com"
    assert notice.body.decode() == (
        "bucket=photos&object=a.txt&etag=5D41402ABC4B2A76B9719D911017C592&size=5&mimeType=text%2Fplain"
        "&imageInfo.height=&crc64=11177612005948864433&contentMd5=XUFAKrxLKna5cZ2REBfFkg%3D%3D"
        f"&reqId={REQUEST_ID}&operation=PutObject&x:who=%C3%A4%26b&x:unknown="
    )


async def test_the_size_of_a_picture_is_told_if_the_body_asks() -> None:
    class Renderer:
        asked = 0

        async def render(self, job: Job) -> Rendered:
            self.asked += 1
            if b"".join([bytes(chunk) async for chunk in job.source.chunks()]) != b"a picture":
                raise INVALID_ARGUMENT()
            told = {"ImageHeight": {"value": "267"}, "ImageWidth": {"value": "400"}, "Format": {"value": "jpg"}}
            return Rendered("application/json", 9, json.dumps(told).encode())

    house, application = await a_house()
    renderer = Renderer()
    house.pipeline._ports = house.pipeline._ports._replace(renderer=renderer)
    body = "h=${imageInfo.height}&w=${imageInfo.width}&f=${imageInfo.format}"
    for content in (b"a picture", b"no picture"):
        await house.ask("PUT", "/photos/a.jpg", content, {"x-oss-callback": a_callback(callbackBody=body)})
    await house.ask("PUT", "/photos/a.jpg", b"a picture", {"x-oss-callback": a_callback()})
    assert [notice.body for notice in application.heard[:2]] == [b"h=267&w=400&f=jpg", b"h=&w=&f="]
    assert renderer.asked == 2


async def test_a_json_body_is_json_however_the_template_quotes() -> None:
    house, application = await a_house()
    template = '{"object":${object},"quoted":"${object}","size":${size},"none":${x:none}}'
    callback = a_callback(callbackBody=template, callbackBodyType="application/json")
    await house.ask("PUT", "/photos/a%22b", b"hello", {"x-oss-callback": callback})
    assert json.loads(application.heard[0].body) == {"object": 'a"b', "quoted": 'a"b', "size": 5, "none": ""}


async def test_a_presigned_put_carries_it_in_its_query() -> None:
    house, application = await a_house()
    link = house.link("PUT", "a.txt", query={"callback": a_callback(), "callback-var": encoded({"x:a": "b"})})
    assert (await house.follow(link, "PUT", b"hello")).body == b'{"Status":"OK"}'
    assert len(application.heard) == 1


async def test_a_form_carries_it_in_its_fields() -> None:
    house, application = await a_house()
    callback = a_callback(callbackBody="a=${x:a}&operation=${operation}")
    form = signed("a.txt", fields={"callback": callback, "x:a": "b c", "success_action_status": "201"})
    answer = await post(house, a_form(form))
    assert (answer.status, answer.body) == (200, b'{"Status":"OK"}')
    assert application.heard[0].body == b"a=b%20c&operation=PostObject"


@pytest.mark.parametrize(("size", "status"), [(3000, 200), (4000, 400)])
async def test_the_variables_of_a_form_have_the_bound_of_the_parameter(size: int, status: int) -> None:
    house, application = await a_house()
    answer = await post(house, a_form(signed("a.txt", fields={"callback": a_callback(), "x:a": "b" * size})))
    assert answer.status == status
    assert len(application.heard) == (status == 200)
    assert (await house.ask("HEAD", "/photos/a.txt")).status == (200 if status == 200 else 404)


@pytest.mark.parametrize("callback", ["", "no base64"])
async def test_a_form_whose_callback_is_none_stores_nothing(callback: str) -> None:
    house, _ = await a_house()
    answer = await post(house, a_form(signed("a.txt", fields={"callback": callback})))
    assert answer.refusal == (400, "InvalidArgument")
    assert (await house.ask("HEAD", "/photos/a.txt")).status == 404


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(301, True, b""), "Error status : 301."),
        (Response(500, True, b"{}"), "Error status : 500."),
        (Response(200, False, b"{}"), "Error status : 200. User server missing content-length."),
        (Response(200, True, b"OK"), "Response body is not valid json format."),
        (Response(200, True, b""), "Response body is not valid json format."),
        (Response(200, True, None), "The response body of the callback is too long."),
        (Unreachable("x"), "Error status : 502. OSS can not connect to your callbackUrl, please check it."),
        (Forbidden("x"), "Private address is forbidden to callback."),
    ],
)
async def test_a_callback_that_fails_is_203_and_the_object_stays(response: Response | Exception, message: str) -> None:
    house, _ = await a_house(response)
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", {"x-oss-callback": a_callback()})
    assert answer.refusal == (203, "CallbackFailed")
    assert answer.text("Message") == message
    assert answer.text("EC") == answer.headers["x-oss-ec"] == "0007-00000203"
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"


async def test_addresses_are_tried_until_one_answers() -> None:
    house, application = await a_house(Unreachable("x"), Response(500, True, b""), Response(200, True, b"[]"))
    urls = "a.example.com/x;https://b.example.com;http://c.example.com:8080/y"
    answer = await house.ask("PUT", "/photos/a.txt", b"", {"x-oss-callback": a_callback(callbackUrl=urls)})
    assert (answer.status, answer.body) == (200, b"[]")
    assert [notice.url for notice in application.heard] == [
        "http://a.example.com/x",
        "https://b.example.com",
        "http://c.example.com:8080/y",
    ]


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        ("%%%", "The callback configuration is not base64 encoded."),
        (base64.b64encode(b"{").decode(), "The callback configuration is not json format."),
        (encoded([]), "The callback configuration is not json format."),
        (base64.b64encode(b"[" * 3000).decode(), "The callback configuration is not json format."),
        ("A" * 5121, "The length of callback exceed max value."),
        ("", "The callback configuration is empty."),
        (encoded({"callbackUrl": URL}), "The callback body is empty."),
        (a_callback(callbackBody=""), "The callback body is empty."),
        (a_callback(callbackBodyType="text/plain"), "The callback body type is invalid."),
        (a_callback(callbackUrl=""), "The callback url configuration is invalid."),
        (a_callback(callbackUrl=5), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="ftp://example.com"), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="http://"), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="http://[::1"), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="http://a:99999/"), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="http://a@127.0.0.1/"), "The callback url configuration is invalid."),
        (a_callback(callbackUrl="http://a/\r\nb: c"), "The callback url configuration is invalid."),
        (a_callback(callbackHost="a\r\nb: c"), "The callback host configuration is invalid."),
        (a_callback(callbackUrl=";".join(["a.example.com"] * 6)), "The number of callback url exceed max value."),
        (a_callback(callbackUrl="http://127.0.0.1/"), "Private address is forbidden to callback."),
    ],
)
async def test_a_callback_that_cannot_be_used_stores_nothing(callback: str, message: str) -> None:
    house, application = await a_house()
    before = house.contents()
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", {"x-oss-callback": callback})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("Message") == message
    assert (house.contents(), application.heard) == (before, [])


async def test_a_variable_needs_no_prefix_and_is_no_fact() -> None:
    house, application = await a_house()
    headers = {
        "x-oss-callback": a_callback(callbackBody="who=${who}&object=${object}&own=${x:own}"),
        "x-oss-callback-var": encoded({"who": "me", "object": "other", "x:own": "1"}),
    }
    await house.put("/photos/a.txt", b"hello", headers)
    assert application.heard[0].body == b"who=me&object=a.txt&own=1"


@pytest.mark.parametrize("variables", ["%", encoded([]), encoded({"who": 5}), encoded({"x:who": 5})])
async def test_variables_that_cannot_be_used_store_nothing(variables: str) -> None:
    house, _ = await a_house()
    headers = {"x-oss-callback": a_callback(), "x-oss-callback-var": variables}
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", headers)).refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/a.txt")).status == 404


async def test_header_and_parameter_at_once_are_refused() -> None:
    house, _ = await a_house()
    answer = await house.ask(
        "PUT", f"/photos/a.txt?callback={quote(a_callback())}", b"", {"x-oss-callback": a_callback()}
    )
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("Message") == (
        "Either the callback query string parameter or the x-oss-callback header should be specified, not both."
    )


async def test_the_public_key_is_served_to_anybody() -> None:
    house, _ = await a_house()
    answer = await house.ask("GET", "/.coatcheck/callback-key.pem", by=None)
    assert (answer.status, answer.body) == (200, b"-----BEGIN PUBLIC KEY-----\n")


async def test_nobody_is_told_of_an_upload_that_was_refused() -> None:
    house, application = await a_house()
    await house.put("/photos/a.txt")
    headers = {"x-oss-callback": a_callback(), "x-oss-forbid-overwrite": "true"}
    assert (await house.ask("PUT", "/photos/a.txt", b"", headers)).status == 409
    assert application.heard == []


async def test_completing_an_upload_calls_back_too() -> None:
    house, application = await a_house()
    begun = await house.ask("POST", "/photos/big?uploads")
    address = f"/photos/big?uploadId={begun.text('UploadId')}"
    await house.ask("PUT", f"{address}&partNumber=1", b"hello")
    callback = a_callback(callbackBody="size=${size}&operation=${operation}")
    answer = await house.ask("POST", address, b"", {"x-oss-complete-all": "yes", "x-oss-callback": callback})
    assert (answer.status, answer.body) == (200, b'{"Status":"OK"}')
    assert application.heard[0].body == b"size=5&operation=CompleteMultipartUpload"
