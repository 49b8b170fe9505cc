"""Polars (Rust's object_store): Parquet written, scanned in ranges, many files at once; CSV and lines of JSON."""

import os

import polars as pl

bucket = os.environ["BUCKET"]
where = {
    "aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"],
    "aws_allow_http": "true",
    "aws_region": "us-east-1",
    "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
    "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
}
said = pl.read_csv(f"s3://{bucket}/from-oss.txt", has_header=False, storage_options=where)
assert said.item() == "put by OSS", said
pl.DataFrame({"words": ["put by S3"]}).write_csv(
    f"s3://{bucket}/from-s3.txt", include_header=False, line_terminator="", storage_options=where
)
for year in (2025, 2026):
    numbers = pl.DataFrame({"year": [year] * 1000, "number": range(1000)})
    numbers.write_parquet(f"s3://{bucket}/tables/{year}.parquet", row_group_size=100, storage_options=where)
scanned = pl.scan_parquet(f"s3://{bucket}/tables/*.parquet", storage_options=where)
found = scanned.filter(pl.col("number") > 990).group_by("year").agg(pl.col("number").sum()).sort("year").collect()
scanned.sink_ndjson(f"s3://{bucket}/tables/all.ndjson", storage_options=where)
assert pl.scan_ndjson(f"s3://{bucket}/tables/all.ndjson", storage_options=where).collect().height == 2000
print(found.rows())
