"""Delta Lake (delta-rs): four write to one table at once, and no commit is lost: each is a file that must be new."""

import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

table = f"s3://{os.environ['BUCKET']}/table"
where = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"], "AWS_ALLOW_HTTP": "true", "conditional_put": "etag"}
write_deltalake(table, pa.table({"number": [-1]}), storage_options=where)


def append(number: int) -> None:
    write_deltalake(table, pa.table({"number": [number]}), mode="append", storage_options=where)


with ThreadPoolExecutor(4) as writers:
    list(writers.map(append, range(20)))
read = DeltaTable(table, storage_options=where)
print(read.version(), sum(read.to_pyarrow_table()["number"].to_pylist()))
