"""A link carries its signer's rights of this moment: what is taken away is gone with the next request."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from .conftest import Put
from .identities import Signer, a_user, an_account, coatcheck
from .raw import send

CONNECTIONS = 8  # so that both workers have some
ENOUGH = 50  # downloads before and after the change

Change = Callable[[ServerProcess, Signer], None]


class Load:
    """Downloads of one link without a pause, over connections that stay open: when each began and ended, and how."""

    def __init__(self, server: ServerProcess, link: str) -> None:
        self._server = server
        self._path = link[link.index("/", len("http://")) :]
        self._host = urlsplit(link).netloc
        self._over = threading.Event()
        self.answers: list[tuple[float, float, int]] = []
        self._threads = [threading.Thread(target=self._download) for _ in range(CONNECTIONS)]

    def _download(self) -> None:
        connection = http.client.HTTPConnection(self._server.host, self._server.port, timeout=HANG_S)
        while not self._over.is_set():
            began = time.monotonic()
            connection.request("GET", self._path, headers={"Host": self._host})
            answer = connection.getresponse()
            answer.read()
            self.answers.append((began, time.monotonic(), answer.status))
        connection.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def let_it_run(self) -> None:
        """Until so many downloads began from now on and ended."""
        now = time.monotonic()
        wait_until(lambda: sum(began >= now for began, _, _ in list(self.answers)) >= ENOUGH)

    def statuses(self, since: float = 0, until: float = float("inf")) -> set[int]:
        """Of the downloads that began and ended in that time."""
        return {status for began, ended, status in list(self.answers) if since <= began and ended <= until}


def disable_the_key(server: ServerProcess, signer: Signer) -> None:
    coatcheck(server, "key", "disable", signer.access_key_id)


def delete_the_key(server: ServerProcess, signer: Signer) -> None:
    coatcheck(server, "key", "delete", signer.access_key_id)


def detach_the_policy(server: ServerProcess, signer: Signer) -> None:
    coatcheck(server, "policy", "detach", "AliyunOSSReadOnlyAccess", "--user", signer.name)


def delete_the_user(server: ServerProcess, signer: Signer) -> None:
    coatcheck(server, "user", "delete", signer.name)


@pytest.mark.parametrize("change", [disable_the_key, delete_the_key, detach_the_policy, delete_the_user])
def test_what_is_taken_away_is_gone_at_the_next_request_in_every_worker(
    live_server: ServerProcess, bucket: str, put: Put, change: Change
) -> None:
    put("film.mp4", b"x" * 20_000)
    signer = a_user(live_server, "AliyunOSSReadOnlyAccess")
    load = Load(live_server, signer.presigner(live_server).presign("GET", bucket, "film.mp4").url)
    with load.running():
        load.let_it_run()
        before = time.monotonic()
        change(live_server, signer)
        changed = time.monotonic()
        load.let_it_run()
    assert load.statuses(until=before) == {200}
    assert load.statuses(since=changed) == {403}


def test_two_keys_live_side_by_side_until_the_old_one_goes(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("report.pdf", b"pages")
    old = a_user(live_server, "AliyunOSSReadOnlyAccess")
    made = coatcheck(live_server, "key", "create", "--user", old.name)
    new = Signer(old.name, old.uid, made["access_key_id"], made["access_key_secret"])
    links = [signer.presigner(live_server).presign("GET", bucket, "report.pdf").url for signer in (old, new)]
    assert [send(link).status for link in links] == [200, 200]
    coatcheck(live_server, "key", "delete", old.access_key_id)
    answers = [send(link) for link in links]
    assert [answer.status for answer in answers] == [403, 200]
    assert answers[0].error["Code"] == "InvalidAccessKeyId"


def test_an_enabled_key_opens_its_links_again(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("song.mp3", b"la")
    signer = a_user(live_server, "AliyunOSSReadOnlyAccess")
    link = signer.presigner(live_server).presign("GET", bucket, "song.mp3").url
    coatcheck(live_server, "key", "disable", signer.access_key_id)
    assert send(link).error["Message"] == "The OSS Access Key Id you provided is disabled."
    coatcheck(live_server, "key", "enable", signer.access_key_id)
    assert send(link).body == b"la"


def test_a_users_link_gives_what_the_user_may_and_no_more(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("there", b"x")
    signer = a_user(live_server, "AliyunOSSReadOnlyAccess").presigner(live_server)
    assert send(signer.presign("GET", bucket, "there").url).status == 200
    assert send(signer.presign("GET", bucket, "missing").url).error["Code"] == "NoSuchKey"
    assert send(signer.presign("PUT", bucket, "there").url, "PUT", body=b"y").error["Code"] == "AccessDenied"
    nobody = a_user(live_server).presigner(live_server)
    for key in ("there", "missing"):
        answer = send(nobody.presign("GET", bucket, key).url)
        assert (answer.status, answer.error["Code"]) == (403, "AccessDenied")


def test_a_disabled_account_is_refused_with_its_buckets(live_server: ServerProcess) -> None:
    account = an_account(live_server)
    presigner = account.presigner(live_server)
    assert (
        send(
            presigner.presign("PUT", account.name, None, headers={"x-oss-acl": "public-read"}).url,
            "PUT",
            {"x-oss-acl": "public-read"},
            b"",
        ).status
        == 200
    )
    assert send(presigner.presign("PUT", account.name, "a").url, "PUT", body=b"x").status == 200
    open_to_all = f"{live_server.endpoint}/{account.name}/a"
    assert send(open_to_all).status == 200
    coatcheck(live_server, "account", "disable", account.name)
    assert send(open_to_all).error["Code"] == "UserDisable"
    assert send(presigner.presign("GET", account.name, "a").url).error["Code"] == "UserDisable"
    coatcheck(live_server, "account", "enable", account.name)
    assert send(open_to_all).status == 200


def test_a_keys_last_use_is_noted(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("seen", b"x")
    signer = a_user(live_server, "AliyunOSSReadOnlyAccess")
    assert coatcheck(live_server, "key", "list", "--user", signer.name)["last_used"] is None
    assert send(signer.presigner(live_server).presign("GET", bucket, "seen").url).status == 200
    wait_until(
        lambda: coatcheck(live_server, "key", "list", "--user", signer.name)["last_used"] is not None,
        "nobody noted it",
    )
