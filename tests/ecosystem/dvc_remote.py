"""DVC pushes a file to a remote oss://, and pulls it into an empty cache. `dvc` is on the PATH."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def dvc(*words: str) -> None:
    subprocess.run(["dvc", *words, "--quiet"], cwd=folder, check=True)


with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    os.environ["DVC_NO_ANALYTICS"] = "1"
    dvc("init", "--no-scm")
    dvc("remote", "add", "--default", "store", f"oss://{os.environ['BUCKET']}/dvc")
    dvc("remote", "modify", "store", "oss_endpoint", os.environ["OSS_ENDPOINT"])
    data = folder / "data.csv"
    data.write_text("a,b\n1,2\n" * 1000)
    dvc("add", "data.csv")
    dvc("push")
    shutil.rmtree(folder / ".dvc" / "cache")
    data.unlink()
    dvc("pull")
    print("pulled", data.stat().st_size)
