"""GDAL's programs read and write rasters at /vsioss/."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

place = f"/vsioss/{os.environ['BUCKET']}/maps/a.tif"
environment = {
    **os.environ,
    "OSS_ENDPOINT": os.environ["OSS_ENDPOINT"].removeprefix("http://"),
    "OSS_HTTPS": "NO",
    "OSS_VIRTUAL_HOSTING": "FALSE",
    "OSS_SECRET_ACCESS_KEY": os.environ["OSS_ACCESS_KEY_SECRET"],
    "CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE": "YES",
}


def run(*words: str) -> str:
    return subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout


with tempfile.TemporaryDirectory() as folder:
    made = str(Path(folder) / "a.tif")
    corners = ("-a_srs", "EPSG:4326", "-a_ullr", "0", "1", "1", "0")
    run("gdal_create", "-of", "GTiff", "-outsize", "64", "64", "-bands", "1", "-burn", "7", *corners, made)
    run("gdal_translate", "-q", made, place)
found = re.search(r"Mean=(\d+)", run("gdalinfo", "-stats", place))
assert found is not None
print("mean", found[1])
