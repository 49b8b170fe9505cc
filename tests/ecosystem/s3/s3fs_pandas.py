"""pandas reads and writes CSV and Parquet at s3:// through s3fs (fsspec); files, ranges, parts, copies, links."""

import os
import urllib.request

import pandas as pd
import s3fs

bucket = os.environ["BUCKET"]
files = s3fs.S3FileSystem()
assert files.cat_file(f"{bucket}/from-oss.txt") == b"put by OSS"
files.pipe_file(f"{bucket}/from-s3.txt", b"put by S3")
with urllib.request.urlopen(files.url(f"{bucket}/from-s3.txt")) as reply:
    assert reply.read() == b"put by S3"

table = pd.DataFrame({"city": ["Zürich", "北京"], "people": [443_037, 21_893_095]})
table.to_csv(f"s3://{bucket}/tables/cities.csv", index=False)
assert pd.read_csv(f"s3://{bucket}/tables/cities.csv").equals(table)
table.to_parquet(f"s3://{bucket}/tables/cities.parquet")
read = pd.read_parquet(f"s3://{bucket}/tables/cities.parquet", columns=["people"])

with files.open(f"{bucket}/tables/large.bin", "wb", block_size=5 * 1024**2) as large:  # in parts
    for number in range(12):
        large.write(bytes([number]) * 1024**2)
with files.open(f"{bucket}/tables/large.bin") as large:
    large.seek(3 * 1024**2 - 1)
    assert large.read(2) == b"\2\3"
files.copy(f"{bucket}/tables/large.bin", f"{bucket}/tables/copy.bin")
assert files.info(f"{bucket}/tables/copy.bin")["size"] == 12 * 1024**2
files.setxattr(f"{bucket}/tables/copy.bin", copy_kwargs={"ContentType": "text/x-copy"}, made="here")
assert files.getxattr(f"{bucket}/tables/copy.bin", "made") == "here"
assert sorted(files.glob(f"{bucket}/tables/*.bin")) == [f"{bucket}/tables/copy.bin", f"{bucket}/tables/large.bin"]
files.rm(f"{bucket}/tables", recursive=True)
files.invalidate_cache()
assert not files.exists(f"{bucket}/tables")
print("people", int(read["people"].sum()))
