"""Names that can be unpacked anywhere, and nowhere else than where they are unpacked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.archives.member_names import MemberNames

from ..each import each


def names_of(*paths: str) -> list[str]:
    names = MemberNames()
    return [names.name(path) for path in paths]


@each(
    [
        ("a.txt", "a.txt"),
        ("2026/猫 1.jpg", "2026/猫 1.jpg"),
        (".profile", ".profile"),
        ("/etc/passwd", "etc/passwd"),
        ("//a//b", "a/b"),
        ("../../evil", "__/__/evil"),
        ("a/./b", "a/_/b"),
        ("...", "___"),
        ("..\\..\\evil.exe", ".._.._evil.exe"),
        ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
        ("a\x00b\n\x1b[31m", "a_b__[31m"),
        ("cat\u202egpj.exe", "cat_gpj.exe"),
        ("aux", "_aux"),
        ("x/COM1.txt", "x/_COM1.txt"),
        ("nul .tar.gz", "_nul .tar.gz"),
        ("console.log", "console.log"),
        ("end. . ", "end____"),
        (" lead", "_lead"),
        (" ", "_"),
        ('a<b>"|?*:', "a_b______"),
        ("empty/", "empty/"),
        ("/", ""),
        ("", ""),
        ("~/x", "~/x"),
        ("-rf", "-rf"),
    ]
)
def test_a_name_is_safe(case: tuple[str, str]) -> None:
    path, expected = case
    assert names_of(path) == [expected]


def test_the_same_name_is_given_once() -> None:
    assert names_of("a//b.txt", "a/b.txt", "a/B.TXT", "caf\u00e9", "cafe\u0301") == [
        "a/b.txt",
        "a/b~c4430f68.txt",
        "a/B~8bae6e21.TXT",
        "caf\u00e9",
        "cafe\u0301~77eeffee",
    ]


def test_no_name_is_a_file_and_a_folder() -> None:
    first, marker, inner, other = names_of("a", "a/", "a/b", "a/c/d")
    assert first == "a"
    assert marker.startswith("a~")
    assert marker.endswith("/")
    assert (inner, other) == (marker + "b", marker + "c/d")
    folder, file = names_of("x/y", "X")
    assert folder == "x/y"
    assert file.startswith("X~")


def test_a_folder_that_is_there_needs_no_marker() -> None:
    assert names_of("a/", "a//", "A/", "b/c", "b/") == ["a/", "", "", "b/c", ""]


def test_a_long_name_is_cut_and_keeps_its_extension() -> None:
    one, other = names_of("猫" * 300 + ".jpeg", "猫" * 299 + ".jpeg")
    assert one != other
    for name in (one, other):
        assert len(name.encode()) <= 200
        assert name.startswith("猫猫猫")
        assert name.endswith(".jpeg")


def test_a_path_that_no_key_is_as_long_as_is_cut() -> None:
    one, other = names_of("a/" * 10_000 + "b", "a/" * 10_000 + "c")
    assert one != other
    assert max(len(one), len(other)) < 1100


hostile = st.text(
    st.one_of(st.sampled_from('/\\.:~ "aAcon\x00\u0301\u00e9\u202e'), st.characters(codec="utf-8")), max_size=40
)


@given(st.lists(hostile, max_size=30, unique=True))
def test_any_keys_unpack_side_by_side(paths: list[str]) -> None:
    given_names = names_of(*paths)
    assert given_names == names_of(*paths)
    names = [name for name in given_names if name]
    files = [name.casefold() for name in names if not name.endswith("/")]
    folders = {name.casefold().rsplit("/", depth)[0] for name in names for depth in range(1, name.count("/") + 1)}
    assert len(set(files)) == len(files)
    assert not folders.intersection(files)
    for name in names:
        parts = name.removesuffix("/").split("/")
        assert not {"", ".", ".."}.intersection(parts)
        assert not any(letter < " " or letter in '\\:*?"<>|' for letter in name)
        assert all(part[-1] not in ". " and len(part.encode()) <= 200 for part in parts)
