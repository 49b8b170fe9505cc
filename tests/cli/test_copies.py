"""cp, mv and sync against the fake server: what goes where, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.client.fake import Fake

from .conftest import Run


@pytest.fixture
def tree(work: Path) -> Path:
    for name, text in {"a.txt": "1", "b/c.log": "22", "b/d/e.txt": "333"}.items():
        file = work / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return work / "tree"


def moved(fake: Fake) -> list[str]:
    """Requests that carry an object's bytes."""
    return [line for line, _ in fake.seen if line.startswith(("PUT", "GET /box/")) and "?" not in line]


def files(directory: Path) -> dict[str, str]:
    return {
        file.relative_to(directory).as_posix(): file.read_text()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


def test_folder_goes_in_and_out_whole(run: Run, fake: Fake, tree: Path, work: Path) -> None:
    fake.buckets["box"] = {}
    result = run("cp", "-r", "tree", "oss://box/p")
    assert (result.exit_code, result.stderr) == (0, "Copied 3 files, 6 B.\n")
    assert fake.buckets["box"] == {"p/a.txt": b"1", "p/b/c.log": b"22", "p/b/d/e.txt": b"333"}
    assert run("cp", "-r", "oss://box/p", "back").exit_code == 0
    assert files(work / "back") == {"a.txt": "1", "b/c.log": "22", "b/d/e.txt": "333"}


def test_one_file_takes_the_name_it_is_given_or_keeps_its_own(run: Run, fake: Fake, tree: Path, work: Path) -> None:
    fake.buckets["box"] = {}
    run("cp", "tree/a.txt", "oss://box/k")
    run("cp", "tree/a.txt", "oss://box/dir/")
    run("cp", "tree/a.txt", "tree/b/c.log", "oss://box/two")
    assert sorted(fake.buckets["box"]) == ["dir/a.txt", "k", "two/a.txt", "two/c.log"]
    run("cp", "oss://box/k", "x.txt")
    run("cp", "oss://box/two/c.log", "tree/b/d")
    assert (work / "x.txt").read_text() == "1"
    assert (tree / "b" / "d" / "c.log").read_text() == "22"


def test_a_folder_needs_r_and_two_directories_are_for_cp(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    assert run("cp", "tree", "oss://box/").exit_code == 2
    assert run("cp", "tree/a.txt", "elsewhere").exit_code == 2
    assert run("cp", "oss://box/k").exit_code == 2
    assert run("cp", "-r", "oss://box/p", "oss://box/p/q").exit_code == 2
    assert run("cp", "tree/a.txt", "oss://box/*").exit_code == 2


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("oss://box/*.jpg", ["a.jpg"]),
        ("oss://box/2026/*", ["b.jpg", "c.txt"]),
        ("oss://box/20*/*.jpg", ["2026/b.jpg"]),
        ("oss://box/**.jpg", ["2026/b.jpg", "2026/x/d.jpg", "a.jpg"]),
        ("oss://box/2026/[bc].???", ["b.jpg", "c.txt"]),
    ],
)
def test_wildcards_stand_for_keys(run: Run, fake: Fake, work: Path, pattern: str, names: list[str]) -> None:
    for key in ("a.jpg", "2026/b.jpg", "2026/c.txt", "2026/x/d.jpg"):
        fake.store("box", key, b"1")
    assert run("cp", pattern, "out/").exit_code == 0
    assert sorted(files(work / "out")) == names


def test_wildcards_that_fit_nothing_are_not_found(run: Run, fake: Fake) -> None:
    fake.store("box", "a", b"")
    assert run("cp", "oss://box/*.jpg", "out/").exit_code == 3
    assert run("cp", "*.jpg", "oss://box/").exit_code == 3


def test_key_with_a_bracket_is_meant_as_it_is(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "a[1].jpg", b"bracket")
    fake.store("box", "a1.jpg", b"plain")
    run("cp", "oss://box/a[1].jpg", "out/")
    assert files(work / "out") == {"a[1].jpg": "bracket"}


def test_names_are_chosen_by_include_and_exclude(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    run("cp", "-r", "tree", "oss://box/", "--include", "*.txt", "--exclude", "b/d/*")
    assert list(fake.buckets["box"]) == ["a.txt"]


def test_dry_run_names_what_it_would_do_and_does_nothing(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    result = run("cp", "-r", "tree", "oss://box/", "--dry-run", "--include", "*.log")
    assert result.stdout == "       2 B  tree/b/c.log -> oss://box/b/c.log\n"
    assert (result.stderr, fake.seen) == ("Would have copied 1 file; nothing was done.\n", [])


def test_json_has_a_line_for_each_file_and_a_summary(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    (tree / "a.txt").write_text("123456789")
    first, second = (json.loads(line) for line in run("cp", "tree/a.txt", "oss://box/k", "--json").stdout.splitlines())
    assert first == {
        "source": "tree/a.txt",
        "target": "oss://box/k",
        "size_bytes": 9,
        "crc64": "11051210869376104954",
        "resumed_bytes": 0,
    }
    assert {**second["summary"], "seconds": 0} == {"files": 1, "bytes": 9, "seconds": 0, "failed": 0, "skipped": 0}


def test_name_that_is_not_utf8_is_named_and_the_rest_goes_on(run: Run, fake: Fake, tree: Path) -> None:
    (tree / os.fsdecode(b"\xff.txt")).write_text("x")
    fake.buckets["box"] = {}
    result = run("cp", "-r", "tree", "oss://box/")
    assert result.exit_code == 1
    assert "skipped tree/\\xff.txt: its name is not UTF-8" in result.stderr
    assert sorted(fake.buckets["box"]) == ["a.txt", "b/c.log", "b/d/e.txt"]


@pytest.mark.parametrize("key", ["../x", "/etc/x", "a/../../x", "a//x", "./x"])
def test_no_key_is_written_outside_of_the_target(run: Run, fake: Fake, work: Path, key: str) -> None:
    fake.store("box", f"p/{key}", b"bad")
    fake.store("box", "p/good", b"good")
    result = run("cp", "-r", "oss://box/p/", "in/ner")
    assert result.exit_code == 1
    assert "UnsafeName" in result.stderr
    assert files(work) == {"in/ner/good": "good"}


def test_nothing_is_written_through_a_link_in_the_target(run: Run, fake: Fake, work: Path) -> None:
    (work / "elsewhere").mkdir()
    (work / "target").mkdir()
    (work / "target" / "sub").symlink_to(work / "elsewhere")
    fake.store("box", "sub/x", b"1")
    assert run("cp", "-r", "oss://box", "target").exit_code == 1
    assert list((work / "elsewhere").iterdir()) == []


def test_second_of_two_keys_that_are_one_file_is_refused(
    run: Run, fake: Fake, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coatcheck.client.local_tree.folds_case", lambda directory: True)
    fake.store("box", "A", b"1")
    fake.store("box", "a", b"1")
    result = run("cp", "-r", "oss://box", "out")
    assert (result.exit_code, result.stderr.count("NamesCollide")) == (1, 1)
    assert len(files(work / "out")) == 1


def test_folder_marker_becomes_a_folder(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "p/empty/", b"")
    assert run("cp", "-r", "oss://box/p/", "out").exit_code == 0
    assert (work / "out" / "empty").is_dir()


def test_one_failure_does_not_stop_the_others(run: Run, fake: Fake, work: Path) -> None:
    for key in ("a", "b", "c"):
        fake.store("box", key, b"1")
    (work / "out" / "b").mkdir(parents=True)
    result = run("cp", "-r", "oss://box", "out")
    assert result.exit_code == 1
    assert "error: oss://box/b: " in result.stderr
    assert result.stderr.endswith("Copied 2 files, 2 B; 1 failed.\n")
    assert files(work / "out") == {"a": "1", "c": "1"}


def test_damaged_bytes_are_never_kept(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "a", b"1")
    fake.headers = {"x-oss-hash-crc64ecma": "7"}
    assert run("cp", "oss://box/a", "out/").exit_code == 5
    assert files(work) == {}


def test_mv_removes_a_source_once_its_copy_is_there(run: Run, fake: Fake, tree: Path, work: Path) -> None:
    fake.buckets["box"] = {}
    assert run("mv", "-r", "tree", "oss://box/p").stderr == "Moved 3 files, 6 B.\n"
    assert files(tree) == {}
    run("mv", "oss://box/p/b/c.log", "back/")
    assert (sorted(fake.buckets["box"]), files(work / "back")) == (["p/a.txt", "p/b/d/e.txt"], {"c.log": "22"})


def test_mv_keeps_what_could_not_be_stored(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    fake.headers = {"x-oss-hash-crc64ecma": "7"}
    assert run("mv", "tree/a.txt", "oss://box/k").exit_code == 5
    assert (tree / "a.txt").read_text() == "1"


# --- sync ----------------------------------------------------------------------------------------------------------
def test_second_sync_moves_nothing_in_either_direction(run: Run, fake: Fake, tree: Path, work: Path) -> None:
    fake.buckets["box"] = {}
    assert run("sync", "tree", "oss://box/p").stderr == "Copied 3 files, 6 B.\n"
    fake.seen.clear()
    assert run("sync", "tree", "oss://box/p").stderr == "Copied 0 files, 0 B; 3 unchanged.\n"
    assert moved(fake) == []
    assert run("sync", "oss://box/p/", "back").exit_code == 0
    fake.seen.clear()
    assert run("sync", "oss://box/p/", "back").stderr == "Copied 0 files, 0 B; 3 unchanged.\n"
    assert moved(fake) == []
    assert files(work / "back") == files(tree)


def test_sync_moves_what_changed_even_if_its_size_did_not(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    run("sync", "tree", "oss://box/p")
    (tree / "b" / "c.log").write_text("33")
    assert run("sync", "tree", "oss://box/p", "--size-only").stderr == "Copied 0 files, 0 B; 3 unchanged.\n"
    assert run("sync", "tree", "oss://box/p").stderr == "Copied 1 file, 2 B; 2 unchanged.\n"
    assert fake.buckets["box"]["p/b/c.log"] == b"33"


def test_sync_deletes_only_when_told_and_only_what_is_chosen(run: Run, fake: Fake, tree: Path) -> None:
    fake.buckets["box"] = {}
    run("sync", "tree", "oss://box/p")
    for key in ("p/old", "p/old.tmp", "p/folder/", "other"):
        fake.store("box", key, b"")
    assert run("sync", "tree", "oss://box/p").exit_code == 0
    assert "p/old" in fake.buckets["box"]
    dry = run("sync", "tree", "oss://box/p", "--delete", "--exclude", "*.tmp", "--dry-run")
    assert dry.stdout == "    delete  oss://box/p/old\n"
    result = run("sync", "tree", "oss://box/p", "--delete", "--exclude", "*.tmp")
    assert result.stderr == "Copied 0 files, 0 B; 3 unchanged; 1 deleted.\n"
    assert sorted(set(fake.buckets["box"]) - {"p/a.txt", "p/b/c.log", "p/b/d/e.txt"}) == [
        "other",
        "p/folder/",
        "p/old.tmp",
    ]


def test_sync_deletes_files_that_the_bucket_does_not_have(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "p/a", b"1")
    (work / "back" / "sub").mkdir(parents=True)
    (work / "back" / "sub" / "old").write_text("")
    assert run("sync", "oss://box/p", "back", "--delete").exit_code == 0
    assert files(work / "back") == {"a": "1"}


def test_sync_deletes_nothing_for_a_source_that_is_empty_or_half_read(
    run: Run, fake: Fake, tree: Path, work: Path
) -> None:
    fake.store("box", "p/a.txt", b"1")
    fake.store("box", "p/old", b"")
    (work / "empty").mkdir()
    assert "nothing was deleted" in run("sync", "empty", "oss://box/p", "--delete").stderr
    (tree / os.fsdecode(b"\xff")).write_text("")
    assert "nothing was deleted" in run("sync", "tree", "oss://box/p", "--delete").stderr
    assert "p/old" in fake.buckets["box"]
    assert run("sync", "missing", "oss://box/p", "--delete").exit_code == 3
    assert run("sync", "oss://nobucket/p", "tree", "--delete").exit_code == 3
    assert (tree / "a.txt").exists()


# --- what reads ----------------------------------------------------------------------------------------------------
def test_cat_and_head_print_objects(run: Run, fake: Fake) -> None:
    fake.store("box", "a.txt", b"1\n2\n3\n")
    fake.store("box", "b.txt", b"4\n")
    assert run("cat", "oss://box/*.txt").stdout == "1\n2\n3\n4\n"
    assert run("head", "-n", "2", "oss://box/a.txt").stdout == "1\n2\n"
    assert run("head", "-c", "3", "oss://box/a.txt").stdout == "1\n2"
    assert run("cat", "oss://box/none").exit_code == 3


def test_stat_is_exact_as_json(run: Run, fake: Fake) -> None:
    fake.store("box", "a.txt", b"123456789")
    facts = json.loads(run("stat", "oss://box/a.txt", "--json").stdout)
    assert (facts["key"], facts["size_bytes"], facts["crc64"]) == ("a.txt", 9, "11051210869376104954")
    assert facts["last_modified"] == "2026-03-05T07:08:09+00:00"
    assert "size          9 B (9 bytes)\n" in run("stat", "oss://box/a.txt").stdout


def test_du_sums_folders_as_deep_as_asked(run: Run, fake: Fake) -> None:
    for key, size in {"a": 1, "d/b": 1024, "d/e/c": 1024, "f/g": 3}.items():
        fake.store("box", key, b"x" * size)
    sums = [json.loads(line) for line in run("du", "oss://box", "--depth", "1", "--json").stdout.splitlines()]
    assert sums == [
        {"address": "oss://box/d/", "objects": 2, "size_bytes": 2048},
        {"address": "oss://box/f/", "objects": 1, "size_bytes": 3},
        {"address": "oss://box", "objects": 4, "size_bytes": 2052},
    ]


def test_find_takes_all_conditions_together(run: Run, fake: Fake) -> None:
    for key, size in {"a.jpg": 1, "d/b.jpg": 2048, "d/b.txt": 2048}.items():
        fake.store("box", key, b"x" * size)
    assert run("find", "oss://box", "--name", "*.jpg", "--larger", "1K").stdout == "oss://box/d/b.jpg\n"
    assert run("find", "oss://box", "--newer", "2026-03-05T07:08:10Z").stdout == ""
    assert run("find", "oss://box", "--older", "2026-03-05T07:08:10Z", "--smaller", "2").stdout == "oss://box/a.jpg\n"


def test_ls_long_limited_and_by_wildcards(run: Run, fake: Fake) -> None:
    for key in ("a.jpg", "b.jpg", "c.txt"):
        fake.store("box", key, b"x" * 2048)
    assert run("ls", "-l", "--limit", "1", "oss://box").stdout == (
        "           2048  2026-03-05 07:08:09 UTC  Standard    E  oss://box/a.jpg\n"
    )
    assert "2.0 KiB" in run("ls", "-lh", "oss://box").stdout
    assert run("ls", "oss://box/*.jpg").stdout.count("\n") == 2


def test_rb_removes_an_empty_bucket_or_a_full_one_by_force(run: Run, fake: Fake) -> None:
    fake.store("box", "a", b"")
    assert run("rb", "oss://box").exit_code == 1
    assert run("rb", "oss://box", "--force", "-y").exit_code == 0
    assert fake.buckets == {}


def test_rm_by_wildcards_takes_only_what_fits(run: Run, fake: Fake) -> None:
    for key in ("a.jpg", "d/b.jpg", "c.txt"):
        fake.store("box", key, b"")
    assert run("rm", "oss://box/*.jpg", "-y").exit_code == 0
    assert sorted(fake.buckets["box"]) == ["c.txt", "d/b.jpg"]


def test_profile_is_kept_shown_without_its_secret_and_removed(run: Run, fake: Fake, tmp_path: Path) -> None:
    config = tmp_path / ".config" / "coatcheck" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('# mine\n[profile.other]\nendpoint = "http://127.0.0.1:9"\n')
    made = run("profile", "set", "here", "--endpoint", fake.endpoint, "--access-key-id", "I", input="sss\n")
    assert made.exit_code == 0
    assert config.stat().st_mode & 0o777 == 0o600
    assert config.read_text().startswith('# mine\n[profile.other]\nendpoint = "http://127.0.0.1:9"\n\n[profile.here]\n')
    assert run("ls", "--profile", "here").exit_code == 0
    for words in (("list",), ("show", "here"), ("show", "here", "--json")):
        shown = run("profile", *words)
        assert fake.endpoint in shown.output
        assert "sss" not in shown.output
    run("profile", "set", "here", "--region", "cn-beijing")
    assert 'access_key_secret = "sss"' in config.read_text()
    assert run("profile", "remove", "here").exit_code == 0
    assert "here" not in config.read_text()
    assert run("profile", "show", "here").exit_code == 1
