"""Client programs that are compiled before they are run. What was built stays, until a source changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from .programs import miss, need

HERE: Final = Path(__file__).parent
JAVA: Final = HERE / "java"
GO: Final = HERE / "go"
OBJECTIVE_C: Final = HERE / "objc"

_BUILD_TIMEOUT_S: Final = 400
_GNUSTEP: Final = "gnustep-config"


def java_third_parties() -> list[str]:
    """java with the classes of Download and AndroidDownload; append one of the names."""
    classes = JAVA / "build" / "third"
    _compile_java(JAVA / "src" / "third", classes, [])
    return [need("java"), *_JAVA_STARTS_FAST, "-cp", str(classes)]


def java_sdk() -> list[str]:
    """java with OSS's SDK, ready to run Sdk."""
    return java_program(JAVA, JAVA / "src" / "sdk", "Sdk")


def java_program(folder: Path, source: Path, name: str) -> list[str]:
    """java with what the folder's pom.xml names and all of `source`, ready to run the class of that name."""
    jars, classes = folder / "build" / "jars", folder / "build" / source.name
    maven = [need("mvn"), "--quiet", "--batch-mode", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    _build([folder / "pom.xml"], folder / "build" / "jars.stamp", [maven], folder)
    libraries = sorted(map(str, jars.glob("*.jar")))
    _compile_java(source, classes, libraries)
    return [need("java"), *_JAVA_STARTS_FAST, "-cp", os.pathsep.join([str(classes), *libraries]), name]


def go_program(name: str, folder: Path = GO, *options: str) -> str:
    """The path of a Go program: the name of its folder. All of a module are built at once, with the same options."""
    sources = [folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*/*.go"))]
    words = [_need_go(folder), "build", "-mod=readonly", *options, "-o", "build/", "./..."]
    _build(sources, folder / "build" / "stamp", [words], folder)
    return str(folder / "build" / name)


def _need_go(folder: Path) -> str:
    """Go, if it is as new as the module asks for."""
    go, asked = need("go"), re.search(r"^go (\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    have = subprocess.run([go, "env", "GOVERSION"], cwd=HERE, capture_output=True, text=True, check=True).stdout
    if asked and _numbers(have) < _numbers(asked[1]):
        miss(f"Go {asked[1]} is not installed, but {have.strip()}")
    return go


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)]


def objective_c_download() -> str:
    """The path of the Objective-C program, built against GNUstep."""
    if shutil.which(_GNUSTEP) is None:
        miss("GNUstep is not installed (`make live` says how to get it)")
    source, program = OBJECTIVE_C / "download.m", OBJECTIVE_C / "build" / "download"
    words = f"gcc $({_GNUSTEP} --objc-flags) -o {program} {source} $({_GNUSTEP} --base-libs)"
    _build([source], program.with_name("stamp"), [["sh", "-c", words]], OBJECTIVE_C)
    return str(program)


_JAVA_STARTS_FAST: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def _compile_java(source: Path, classes: Path, libraries: Sequence[str]) -> None:
    files = sorted(source.rglob("*.java"))
    path = ["-cp", os.pathsep.join(libraries)] if libraries else []
    words = [need("javac"), "-nowarn", "-d", str(classes), *path, *map(str, files)]
    _build(files, classes.with_suffix(".stamp"), [words], JAVA)


def _build(sources: Sequence[Path], stamp: Path, commands: Sequence[Sequence[str]], folder: Path) -> None:
    """Run the commands, unless they were run on these very sources; another process of the run waits meanwhile."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with stamp.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return
        for words in commands:
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S)
            if done.returncode:
                pytest.fail(f"{words[0]} failed:\n{done.stdout}\n{done.stderr}")
        stamp.write_text(digest)
