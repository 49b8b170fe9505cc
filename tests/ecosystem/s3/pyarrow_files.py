"""PyArrow's S3FileSystem (AWS's SDK for C++): streams, Parquet data sets, copies, moves, removal."""

import os

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

bucket = os.environ["BUCKET"]
s3 = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
with s3.open_input_stream(f"{bucket}/from-oss.txt") as stream:
    assert stream.read() == b"put by OSS"
with s3.open_output_stream(
    f"{bucket}/from-s3.txt", metadata={"Content-Type": "text/plain", "made": "by Arrow"}
) as stream:
    stream.write(b"put by S3")

table = pa.table({"year": [2025, 2025, 2026], "people": [1, 2, 3]})
ds.write_dataset(table, f"{bucket}/set", filesystem=s3, format="parquet", partitioning=["year"])
found = ds.dataset(f"{bucket}/set", filesystem=s3, format="parquet", partitioning=["year"])
read = found.to_table(filter=ds.field("year") == 2025)
assert read["people"].to_pylist() == [1, 2], read

with s3.open_output_stream(f"{bucket}/dir/large.bin") as stream:
    for number in range(12):
        stream.write(bytes([number]) * 1024**2)
with s3.open_input_file(f"{bucket}/dir/large.bin") as file:
    assert file.read_at(2, 3 * 1024**2 - 1) == b"\2\3"
s3.copy_file(f"{bucket}/dir/large.bin", f"{bucket}/dir/copy.bin")
s3.move(f"{bucket}/dir/copy.bin", f"{bucket}/dir/moved.bin")
s3.create_dir(f"{bucket}/dir/empty")
names = sorted(each.base_name for each in s3.get_file_info(fs.FileSelector(f"{bucket}/dir")))
s3.delete_dir(f"{bucket}/dir")
assert s3.get_file_info(f"{bucket}/dir").type == fs.FileType.NotFound
print(names)
