"""DuckDB's httpfs: CSV and Parquet read in ranges, globs, tables written in parts. The extension comes as a package."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import duckdb_extension_httpfs

bucket = os.environ["BUCKET"]
(extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
db = duckdb.connect()
db.execute(f"LOAD '{extension}'")
db.execute(
    f"""CREATE SECRET (TYPE s3, REGION 'us-east-1', URL_STYLE 'path', USE_SSL false,
    ENDPOINT '{urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc}',
    KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}', SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}')"""
)
(said,) = db.execute(f"SELECT content FROM read_text('s3://{bucket}/from-oss.txt')").fetchone()
assert said == "put by OSS", said
db.execute(f"COPY (SELECT 'put by S3') TO 's3://{bucket}/from-s3.txt' (FORMAT csv, HEADER false, QUOTE '')")
numbers = "SELECT range AS number, range % 3 AS third, md5(range::text) AS text FROM range(400_000)"
db.execute(f"COPY ({numbers}) TO 's3://{bucket}/one.parquet' (FORMAT parquet)")
db.execute(f"COPY ({numbers}) TO 's3://{bucket}/many' (FORMAT parquet, PARTITION_BY third)")
one = db.execute(f"SELECT max(number) FROM 's3://{bucket}/one.parquet' WHERE third = 1").fetchone()
many = db.execute(f"SELECT sum(number) FROM 's3://{bucket}/many/*/*.parquet' WHERE third = 1").fetchone()
files = db.execute(f"SELECT count(*) FROM glob('s3://{bucket}/many/**')").fetchone()
print(one[0], many[0], files[0])
