"""A callback, filled in and sent, without a request."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from coatcheck.core.errors import CALLBACK_FAILED, OssError
from coatcheck.operations.callback import FORM, JSON, Callback, fill, notify
from coatcheck.operations.context import Context
from coatcheck.ports.notifier import Forbidden, NoNotifier, Notice, Response, Unreachable

from .stage import a_stage

URL, OTHER = "http://app.example.com/", "http://other.example.com/"
FACTS: dict[str, str | int] = {"bucket": "photos", "object": 'a "b" & c', "size": 5}
FINE = Response(200, True, b'{"Status":"OK"}')


def a_callback(body: str = "object=${object}", body_type: str = FORM, *urls: str) -> Callback:
    return Callback(urls or (URL,), "", body, body_type, {"x:own": "mine"})


@dataclass
class Application(NoNotifier):
    """Answers in turn with what it was given."""

    answers: list[Response | Exception]
    heard: list[Notice] = field(default_factory=list)

    def may_reach(self, host: str) -> bool:
        return True

    async def send(self, notice: Notice) -> Response:
        self.heard.append(notice)
        answer = self.answers[len(self.heard) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def public_key(self) -> bytes:
        return b""


async def a_context(*answers: Response | Exception) -> tuple[Context, Application]:
    application = Application(list(answers))
    context = (await a_stage()).context()
    return replace(context, ports=context.ports._replace(notifier=application)), application


@pytest.mark.parametrize(
    ("body", "body_type", "filled"),
    [
        ("o=${object}&n=${size}&v=${x:own}&e=${none}", FORM, "o=a%20%22b%22%20%26%20c&n=5&v=mine&e="),
        ('{"o":${object},"n":${size}}', JSON, '{"o":"a \\"b\\" & c","n":5}'),
        ('{"o":"${object}"}', JSON, '{"o":"a \\"b\\" & c"}'),
        ("${unclosed", FORM, "${unclosed"),
    ],
)
def test_variables_are_written_as_the_body_is(body: str, body_type: str, filled: str) -> None:
    assert fill(a_callback(body, body_type), FACTS) == filled


async def test_what_is_sent_and_what_comes_back() -> None:
    context, application = await a_context(FINE)
    answer = await notify(context, a_callback(), FACTS, (("x-app", "1"),))
    assert answer == b'{"Status":"OK"}'
    assert application.heard == [Notice(URL, "", FORM, b"object=a%20%22b%22%20%26%20c", (("x-app", "1"),))]


async def test_addresses_are_tried_in_turn() -> None:
    context, application = await a_context(Unreachable("no"), FINE)
    await notify(context, a_callback("b", FORM, URL, OTHER), FACTS)
    assert [notice.url for notice in application.heard] == [URL, OTHER]


@pytest.mark.parametrize(
    "answer",
    [
        Unreachable("no"),
        Forbidden("no"),
        Response(500, True, b"{}"),
        Response(200, False, b"{}"),
        Response(200, True, None),
        Response(200, True, b"no JSON"),
    ],
)
async def test_an_application_that_does_not_answer_rightly_fails_the_callback(answer: Response | Exception) -> None:
    context, _ = await a_context(answer)
    with pytest.raises(OssError) as refusal:
        await notify(context, a_callback(), FACTS)
    assert refusal.value.fault is CALLBACK_FAILED


def test_a_body_says_what_it_uses() -> None:
    assert a_callback("w=${imageInfo.width}").uses("imageInfo.")
    assert not a_callback("imageInfo.width").uses("imageInfo.")
