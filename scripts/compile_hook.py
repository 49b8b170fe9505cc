"""The compiled wheel: mypyc makes C, and a C compiler a library, of the modules that pyproject.toml names.

Hatchling runs this where HATCH_BUILD_HOOK_ENABLE_CUSTOM is 1, as `make wheel` sets it, and nowhere else. What is made
goes to build/compiled, and nothing is written beside the source.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from importlib.metadata import files
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from mypyc.build import mypycify
from setuptools import Distribution


class CompileHook(BuildHookInterface[BuilderConfig]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the libraries into the wheel beside the source they were made from."""
        made = Path(self.root, "build", "compiled")
        for library in compile_modules([f"src/coatcheck/{module}" for module in self.config["modules"]], made):
            build_data["force_include"][str(library)] = str(library.relative_to(made / "lib"))
        build_data["force_include"][str(mypyc_licence())] = "coatcheck/LICENSE.mypyc"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True  # this platform, this version of Python


def compile_modules(modules: list[str], made: Path) -> list[Path]:
    """The libraries: one with all the code, and a small one for each module. Paths begin at the working directory."""
    made.mkdir(parents=True, exist_ok=True)
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            extensions = mypycify(modules, debug_level="0", group_name="coatcheck", target_dir=str(made))
    finally:
        print(said.getvalue(), end="", file=sys.stderr)
    if "warning:" in said.getvalue():
        raise SystemExit("what mypyc warns of does something else when it is compiled: write it in another way")
    build = Distribution({"name": "coatcheck", "ext_modules": extensions}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(made / "lib"), str(made / "temp")
    build.ensure_finalized()
    build.run()
    return [Path(library) for library in build.get_outputs()]


def mypyc_licence() -> Path:
    """Of what mypyc adds to the code that it compiles: mypy's own."""
    (found,) = (file for file in files("mypy") or () if str(file).endswith(".dist-info/licenses/LICENSE"))
    return Path(str(found.locate()))
