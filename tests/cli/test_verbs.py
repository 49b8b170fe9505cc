"""What each verb prints and does, against the fake server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from coatcheck.client.errors import Unreachable
from tests.client.fake import Fake

from .conftest import Run


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


# --- share ---------------------------------------------------------------------------------------------------------
def test_share_prints_only_the_link_on_stdout(run: Run, fake: Fake, work: Path) -> None:
    (work / "a b.txt").write_text("hello")
    result = run("share", "a b.txt", "--expires", "30m")
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith(f"{fake.endpoint}/shared/")
    assert "/a%20b.txt?" in result.stdout
    assert "x-oss-expires=1800" in result.stdout
    assert "in 30 minutes." in result.stderr
    assert "Made oss://shared, private." in result.stderr
    assert list(fake.buckets["shared"].values()) == [b"hello"]


def test_two_shares_of_one_name_are_two_objects(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("one")
    run("share", "f")
    (work / "f").write_text("two")
    run("share", "f")
    assert sorted(fake.buckets["shared"].values()) == [b"one", b"two"]


def test_share_into_a_bucket_and_key(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("hello")
    result = run("share", "f", "--bucket", "box", "--key", "dir/k", "--download-as", "文.txt", "--json")
    facts = json.loads(result.stdout)
    assert (facts["bucket"], facts["key"]) == ("box", "dir/k")
    assert "response-content-disposition=attachment" in facts["url"]
    assert result.stderr == ""


def test_share_an_object_that_is_there(run: Run, fake: Fake) -> None:
    fake.store("box", "dir/k", b"")
    assert run("share", "oss://box/dir/k").stdout.startswith(f"{fake.endpoint}/box/dir/k?")


def test_share_an_object_that_is_not_there(run: Run, fake: Fake) -> None:
    fake.store("box", "other", b"")
    result = run("share", "oss://box/k")
    assert result.exit_code == 3
    assert result.stdout == ""


def test_share_refuses_a_bad_expiry_before_uploading(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("hello")
    assert run("share", "f", "--expires", "8d").exit_code == 2
    assert fake.seen == []


def test_share_shows_a_qr_code_on_stderr(run: Run, work: Path) -> None:
    (work / "f").write_text("hello")
    result = run("share", "f", "--qr")
    assert "▀" in result.stderr
    assert result.stdout.count("\n") == 1


def test_link_may_name_another_address_than_the_upload(run: Run, work: Path) -> None:
    (work / "f").write_text("hello")
    result = run("share", "f", "--link-endpoint", "https://files.example.com:8443", "--path-style")
    assert result.stdout.startswith("https://files.example.com:8443/shared/")


# --- get -----------------------------------------------------------------------------------------------------------
def test_get_saves_and_says_so(run: Run, fake: Fake, work: Path) -> None:
    result = run("get", fake.store("box", "dir/k.txt", b"hello"))
    assert (work / "k.txt").read_bytes() == b"hello"
    assert result.stdout == ""
    assert result.stderr == "Saved k.txt, 5 B, CRC-64 verified.\n"


def test_get_as_json(run: Run, fake: Fake) -> None:
    facts = json.loads(run("get", fake.store("box", "k", b"123456789"), "--json").stdout)
    assert facts == {
        "file": "k",
        "size_bytes": 9,
        "crc64": "11051210869376104954",
        "verified": True,
        "resumed_bytes": 0,
    }


def test_get_to_stdout(run: Run, fake: Fake, work: Path) -> None:
    result = run("get", fake.store("box", "k", b"\x00\xff"), "-o", "-")
    assert result.stdout_bytes == b"\x00\xff"
    assert list(work.iterdir()) == []


def test_get_an_object_of_ones_own(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "dir/k", b"hello")
    assert run("get", "oss://box/dir/k", "-o", "f").exit_code == 0
    assert (work / "f").read_bytes() == b"hello"
    assert "authorization" in fake.sent_headers[0]


def test_get_sends_the_headers_a_link_needs(run: Run, fake: Fake) -> None:
    run("get", fake.store("box", "k", b""), "--header", "x-needed: yes")
    assert fake.sent_headers[0]["x-needed"] == "yes"


def test_get_never_sends_our_keys_to_a_link(run: Run, fake: Fake) -> None:
    run("get", fake.store("box", "k", b""))
    assert "authorization" not in fake.sent_headers[0]


def test_get_to_a_device_does_not_replace_it(run: Run, fake: Fake) -> None:
    assert run("get", fake.store("box", "k", b"hello"), "-o", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_get_of_something_else_is_usage(run: Run) -> None:
    assert run("get", "k.txt").exit_code == 2
    assert run("get", "oss://box").exit_code == 2


# --- presign -------------------------------------------------------------------------------------------------------
def test_presign_is_offline_and_prints_a_line_each(run: Run, fake: Fake) -> None:
    result = run("presign", "oss://box/a b", "oss://box/c", "--expires", "90s")
    assert fake.seen == []
    assert [line.partition("?")[0] for line in result.stdout.splitlines()] == [
        f"{fake.endpoint}/box/a%20b",
        f"{fake.endpoint}/box/c",
    ]


def test_presign_reads_addresses_from_stdin(run: Run) -> None:
    result = run("presign", "-", input="oss://box/a\noss://box/文\n\n".encode())
    assert len(result.stdout.splitlines()) == 2


def test_presign_below_a_prefix_asks_the_server(run: Run, fake: Fake) -> None:
    for key in ("dir/1", "dir/2", "other"):
        fake.store("box", key, b"")
    result = run("presign", "--prefix", "oss://box/dir/", "--json")
    assert [facts["key"] for facts in lines(result.stdout)] == ["dir/1", "dir/2"]


def test_presign_below_a_prefix_of_s3_makes_its_links(run: Run, fake: Fake) -> None:
    for key in ("dir/1", "other"):
        fake.store("box", key, b"")
    (link,) = run("presign", "--prefix", "s3://box/dir/").stdout.splitlines()
    assert link.startswith(f"{fake.endpoint}/box/dir/1?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert run("presign", "--prefix", "s3://").exit_code == 2
    assert run("presign", "--prefix", "box/dir").exit_code == 2


def test_presign_with_every_option(run: Run) -> None:
    result = run(
        *("presign", "oss://box/k", "--method", "put", "--version-id", "V", "--process", "image/resize,w_200"),
        *("--download-as", "x.txt", "--response-content-type", "text/plain", "--response-cache-control", "no-cache"),
        *("--response-expires", "Thu, 05 Mar 2026 07:08:09 GMT", "--response-content-language", "de"),
        *("--response-content-encoding", "gzip", "--header", "Content-Type: text/plain", "--header", "Host: h"),
        *("--additional-header", "host", "--query", "a=b", "--traffic-limit", "819200", "--security-token", "TOKEN"),
        *("--endpoint", "https://oss-cn-beijing.aliyuncs.com", "--region", "cn-beijing", "--internal", "--json"),
    )
    facts = json.loads(result.stdout)
    assert facts["url"].startswith("https://box.oss-cn-beijing-internal.aliyuncs.com/k?")
    for part in (
        "versionId=V",
        "x-oss-process=image%2Fresize%2Cw_200",
        "response-content-type=text%2Fplain",
        "response-content-language=de",
        "a=b",
        "x-oss-traffic-limit=819200",
        "x-oss-security-token=TOKEN",
        "x-oss-additional-headers=host",
        "%2Fcn-beijing%2Foss%2F",
    ):
        assert part in facts["url"]
    assert facts["method"] == "PUT"
    assert facts["signed_headers"]["Content-Type"] == "text/plain"


def test_presign_v1(run: Run) -> None:
    assert "OSSAccessKeyId=testid" in run("presign", "oss://box/k", "--signature-version", "v1").stdout
    assert "/box/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=testid" in run("presign", "s3://box/k").stdout
    assert "/box/k?AWSAccessKeyId=testid&Signature=" in run("presign", "s3://box/k", "--s3-v2").stdout


def test_presign_on_a_custom_domain(run: Run) -> None:
    result = run("presign", "oss://box/k", "--custom-domain", "files.example.com")
    assert "://files.example.com/k?" in result.stdout


def test_presign_warns_once_of_a_dying_token(run: Run) -> None:
    result = run(
        *("presign", "oss://box/a", "oss://box/b", "--expires", "2h"),
        *("--security-token", "T", "--security-token-expires", "1h"),
    )
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr.startswith("warning: ")
    assert result.stderr.count("warning: ") == 1


def test_presign_more_than_seven_days_is_usage(run: Run) -> None:
    assert run("presign", "oss://box/k", "--expires", "8d").exit_code == 2


def test_presign_wants_something_to_sign(run: Run) -> None:
    assert run("presign").exit_code == 2


# --- explain -------------------------------------------------------------------------------------------------------
def test_explain_a_good_link(run: Run, fake: Fake) -> None:
    fake.store("box", "dir/k", b"")
    link = run("presign", "oss://box/dir/k", "--expires", "1h").stdout.strip()
    result = run("explain", link)
    assert result.exit_code == 0
    assert result.stdout.startswith("This link works")
    assert "oss://box/dir/k" in result.stdout
    assert "testid (OSS V4)" in result.stdout


def test_explain_reads_a_pasted_link(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    link = run("presign", "oss://box/k").stdout
    assert run("explain", "-", input=link).exit_code == 0


def test_explain_an_expired_link(run: Run) -> None:
    link = run("presign", "oss://box/k", "--expires", "1h").stdout.strip()
    result = run("explain", link, "--at", "2h")
    assert result.exit_code == 1
    assert result.stdout.startswith("This link does not work.")
    assert "expired" in result.stdout


def test_explain_a_link_of_somebody_else_cannot_check_its_signature(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    link = run("presign", "oss://box/k").stdout.strip()
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "another")
    result = run("explain", link, "--offline")
    assert result.exit_code == 0
    assert "without its secret key the signature can't be checked" in result.stdout


def test_explain_a_tampered_link(run: Run) -> None:
    link = run("presign", "oss://box/k").stdout.strip()
    result = run("explain", link.replace("/box/k", "/box/other"))
    assert result.exit_code == 1


def test_explain_as_json(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    link = run("presign", "oss://box/k", "--expires", "60s").stdout.strip()
    facts = json.loads(run("explain", link, "--json").stdout)
    assert (facts["works"], facts["verified"], facts["bucket"], facts["key"]) == (True, True, "box", "k")
    assert facts["expires_at"].endswith("+00:00")


def test_explain_never_repeats_the_signature(run: Run) -> None:
    link = run("presign", "oss://box/k").stdout.strip()
    signature = link.partition("x-oss-signature=")[2]
    for words in (("explain", link), ("explain", link, "--json"), ("explain", link, "--method", "PUT")):
        assert signature not in run(*words).output


@pytest.mark.parametrize("link", ["", "garbage", "http://", "http://[", "\x00", "http://h/b/k?x-oss-signature=1"])
def test_explain_anything(run: Run, link: str) -> None:
    assert run("explain", link).exit_code == 1


# --- ls, put, rm, mb -----------------------------------------------------------------------------------------------
def test_ls_buckets(run: Run, fake: Fake) -> None:
    fake.buckets["box"] = {}
    assert run("ls").stdout == "2026-03-05 07:08:09 UTC  cn-hangzhou  oss://box\n"
    assert json.loads(run("ls", "--json").stdout)["bucket"] == "box"


def test_ls_objects(run: Run, fake: Fake) -> None:
    fake.store("box", "a\x1b.txt", b"x" * 2048)
    fake.store("box", "dir/b", b"")
    result = run("ls", "oss://box")
    assert result.stdout.splitlines() == [
        "   2.0 KiB  2026-03-05 07:08:09 UTC  oss://box/a\\x1b.txt",
        "    folder                           oss://box/dir/",
    ]
    assert result.stderr == "1 object, 2.0 KiB, 1 folder\n"


def test_ls_recursive_as_json_has_exact_keys(run: Run, fake: Fake) -> None:
    fake.store("box", "a\x1b/文", b"")
    assert [facts["key"] for facts in lines(run("ls", "-r", "oss://box", "--json").stdout)] == ["a\x1b/文"]


def test_ls_of_a_prefix_without_anything_is_not_found(run: Run, fake: Fake) -> None:
    fake.store("box", "a", b"")
    assert run("ls", "oss://box/b").exit_code == 3
    assert run("ls", "oss://box/a").exit_code == 0


def test_put_one_file_to_a_key(run: Run, fake: Fake, work: Path) -> None:
    (work / "f.txt").write_text("hello")
    fake.buckets["box"] = {}
    assert run("put", "f.txt", "oss://box/k").exit_code == 0
    assert run("put", "f.txt", "oss://box/dir/").exit_code == 0
    assert run("put", "f.txt", "oss://box").exit_code == 0
    assert sorted(fake.buckets["box"]) == ["dir/f.txt", "f.txt", "k"]


def test_put_a_directory(run: Run, fake: Fake, work: Path) -> None:
    (work / "d" / "e").mkdir(parents=True)
    (work / "d" / "1").write_text("1")
    (work / "d" / "e" / "2").write_text("2")
    (work / "d" / "circle").symlink_to(work / "d")
    fake.buckets["box"] = {}
    result = run("put", "-r", "d", "oss://box/x", "--json")
    assert result.exit_code == 1  # a directory that is a link was left out
    assert result.stderr.startswith('{"skipped": ')
    assert sorted(str(facts["key"]) for facts in lines(result.stdout)) == ["x/d/1", "x/d/e/2"]


def test_put_of_many_names_what_failed_and_goes_on(run: Run, fake: Fake, work: Path) -> None:
    for name in ("a", "b", os.fsdecode(b"\xff"), "d"):
        (work / name).write_text(name, errors="surrogateescape")
    fake.buckets["box"] = {}
    fake.refusals = [(403, "AccessDenied", "No.")]
    result = run("put", "a", "b", os.fsdecode(b"\xff"), "d", "oss://box/x", "--jobs", "1")
    assert result.exit_code == 1
    assert sorted(fake.buckets["box"]) == ["x/b", "x/d"]
    assert "error: a: AccessDenied: No." in result.stderr
    assert "its name is not UTF-8" in result.stderr
    assert "Stored 2 files, 2 B; 1 skipped; 1 failed." in result.stderr
    alone = run("put", os.fsdecode(b"\xff"), "oss://box/")
    assert (alone.exit_code, "its name is not UTF-8" in alone.stderr) == (2, True)


def test_put_a_directory_needs_r(run: Run, fake: Fake, work: Path) -> None:
    (work / "d").mkdir()
    assert run("put", "d", "oss://box/").exit_code == 2


def test_put_from_stdin(run: Run, fake: Fake) -> None:
    fake.buckets["box"] = {}
    assert run("put", "-", "oss://box/k", input=b"piped").exit_code == 0
    assert fake.buckets["box"]["k"] == b"piped"
    assert run("put", "-", "oss://box/", input=b"piped").exit_code == 2


def test_put_without_overwriting(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("")
    fake.buckets["box"] = {}
    run("put", "f", "oss://box/", "--no-overwrite", "--header", "x-oss-meta-a: b")
    assert fake.sent_headers[-1]["x-oss-forbid-overwrite"] == "true"
    assert fake.sent_headers[-1]["x-oss-meta-a"] == "b"


def test_rm_an_object(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    assert run("rm", "oss://box/k").stderr == "Deleted oss://box/k.\n"
    assert fake.buckets["box"] == {}


@pytest.mark.parametrize("key", ["kk", "k/", "K", "k%20"])
def test_rm_of_nothing_says_so(run: Run, fake: Fake, key: str) -> None:
    """A mistyped key must not look like a deleted object."""
    fake.store("box", "k", b"")
    fake.store("box", "k/l", b"")
    fake.store("box", "kkk", b"")
    result = run("rm", f"oss://box/{key}")
    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: NothingThere: There is no object oss://box/{key}; nothing was deleted.")
    assert sorted(fake.buckets["box"]) == ["k", "k/l", "kkk"]
    assert not [line for line, _ in fake.seen if line.startswith("DELETE")]


def test_rm_by_who_may_delete_and_not_list(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    fake.refusals = [(403, "AccessDenied", "You have no right to access this object because of bucket acl.")]
    result = run("rm", "oss://box/k")
    assert (result.exit_code, result.stderr) == (
        0,
        "Deleted oss://box/k, if it was there: this access key may not list the bucket.\n",
    )
    assert fake.buckets["box"] == {}
    fake.refusals = [(403, "AccessDenied", "You have no right to access this object because of bucket acl.")]
    assert lines(run("rm", "oss://box/k", "--json").stdout) == [{"deleted": "oss://box/k", "was_there": None}]


def test_rm_a_tree_but_not_its_namesake(run: Run, fake: Fake) -> None:
    for key in ("dir/1", "dir/2", "dir-other"):
        fake.store("box", key, b"")
    assert run("rm", "-r", "oss://box/dir", "--yes").stderr == "Deleted 2 objects.\n"
    assert list(fake.buckets["box"]) == ["dir-other"]


def test_rm_a_tree_asks_and_without_an_answer_deletes_nothing(run: Run, fake: Fake) -> None:
    fake.store("box", "dir/1", b"")
    assert run("rm", "-r", "oss://box/dir").exit_code == 2
    assert list(fake.buckets["box"]) == ["dir/1"]


@pytest.mark.parametrize(("answer", "left"), [("y\n", []), ("n\n", ["dir/1"])])
def test_rm_a_tree_does_as_answered(
    run: Run, fake: Fake, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[str]
) -> None:
    fake.store("box", "dir/1", b"")
    monkeypatch.setattr("coatcheck.cli.rm._can_answer", lambda: True)
    result = run("rm", "-r", "oss://box/dir", input=answer)
    assert "Delete 1 object at and below oss://box/dir?" in result.stderr
    assert list(fake.buckets["box"]) == left


def test_rm_nothing_recursively_is_not_found(run: Run, fake: Fake) -> None:
    fake.buckets["box"] = {}
    assert run("rm", "-r", "oss://box/dir", "-y").exit_code == 3


def test_rm_a_bucket(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    refused = run("rm", "oss://box")
    assert refused.exit_code == 1
    assert "coatcheck rm -r oss://box" in refused.stderr
    assert run("rm", "-r", "-y", "oss://box").exit_code == 0
    assert fake.buckets == {}


def test_mb(run: Run, fake: Fake) -> None:
    assert run("mb", "oss://box").stderr == "Made oss://box, private.\n"
    assert "x-oss-acl" not in fake.sent_headers[-1]
    assert run("mb", "oss://box/k").exit_code == 2


def test_mb_leaves_a_bucket_that_is_there_as_it_is(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    result = run("mb", "oss://box")
    assert (result.exit_code, result.stderr) == (0, "oss://box is already yours; nothing was changed.\n")
    assert lines(run("mb", "oss://box", "--json").stdout) == [{"bucket": "box", "made": False}]
    assert not [line for line, _ in fake.seen if line.startswith("PUT")]
    assert lines(run("mb", "oss://new", "--json").stdout) == [{"bucket": "new", "made": True}]


def test_nothing_that_makes_a_bucket_on_its_way_sends_an_acl(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("hello")
    run("share", "f")
    run("mb", "oss://box")
    assert "shared" in fake.buckets
    assert [headers for headers in fake.sent_headers if "x-oss-acl" in headers] == []


def test_mb_of_what_may_not_be_looked_at_is_the_servers_to_say(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    denied = (403, "AccessDenied", "You do not have read acl permission on this object.")
    fake.refusals = [denied, (409, "BucketAlreadyExists", "The requested bucket name is not available.")]
    refused = run("mb", "oss://box")
    assert refused.exit_code == 1
    assert "BucketAlreadyExists" in refused.stderr
    fake.refusals = [denied]
    assert run("mb", "oss://box").stderr == "oss://box is already yours; nothing was changed.\n"
    assert "x-oss-acl" not in fake.sent_headers[-1]


def test_local_default_server_that_is_not_running(work: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unreachable("NoConnection", "Can't connect to http://127.0.0.1:8000.")

    monkeypatch.delenv("OSS_ENDPOINT")
    monkeypatch.setattr("coatcheck.client.connection.exchange", refuse)
    result = run("ls")
    assert result.exit_code == 4
    assert "coatcheck serve" in result.stderr


# --- what a slip is told -------------------------------------------------------------------------------------------
def test_a_download_into_no_folder_says_which_is_missing(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"x")
    result = run("get", "oss://box/k", "-o", "no/such/place")
    assert result.exit_code == 1
    assert "Next: make the folder no/such, or name another file" in result.stderr


def test_an_upload_of_nothing_says_how_to_upload(run: Run, fake: Fake) -> None:
    result = run("put", "oss://box/k")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Say what to upload, and where to" in result.stderr


def test_no_verb_at_all_shows_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout.startswith("Usage: coatcheck")
