"""pandas reads and writes CSV at oss:// through ossfs (fsspec). Prints what it read."""

import os

import ossfs
import pandas as pd

bucket = os.environ["BUCKET"]
options = {
    "endpoint": os.environ["OSS_ENDPOINT"],
    "key": os.environ["OSS_ACCESS_KEY_ID"],
    "secret": os.environ["OSS_ACCESS_KEY_SECRET"],
}
table = pd.DataFrame({"city": ["Zürich", "北京"], "people": [443_037, 21_893_095]})
table.to_csv(f"oss://{bucket}/tables/cities.csv", index=False, storage_options=options)
read = pd.read_csv(f"oss://{bucket}/tables/cities.csv", storage_options=options)
assert read.equals(table), read

files = ossfs.OSSFileSystem(**options)
assert files.ls(f"{bucket}/tables", detail=False) == [f"{bucket}/tables/cities.csv"]
files.pipe_file(f"{bucket}/tables/large.bin", b"".join(bytes([number]) * 1024**2 for number in range(12)))
with files.open(f"{bucket}/tables/log.txt", "wb") as log:  # an append; ossfs gets longer files than 5 MiB wrong
    log.write(b"one line\n")
with files.open(f"{bucket}/tables/log.txt", "ab") as log:
    log.write(b"another\n")
assert files.cat_file(f"{bucket}/tables/log.txt") == b"one line\nanother\n"
with files.open(f"{bucket}/tables/large.bin") as large:
    large.seek(3 * 1024**2 - 1)
    assert large.read(2) == b"\2\3"
files.copy(f"{bucket}/tables/large.bin", f"{bucket}/tables/copy.bin")
assert files.info(f"{bucket}/tables/copy.bin")["size"] == 12 * 1024**2
files.rm(f"{bucket}/tables", recursive=True)
assert not files.exists(f"{bucket}/tables/cities.csv")
print("sum", int(read["people"].sum()))
