"""obstore (Rust's object_store): parts, ranges, conditional writes, listing, copies, renames, signed links."""

import os
import urllib.request
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

store = S3Store(
    os.environ["BUCKET"],
    endpoint=os.environ["AWS_ENDPOINT_URL"],
    region="us-east-1",
    client_options={"allow_http": True},
    conditional_put="etag",
)
assert obstore.get(store, "from-oss.txt").bytes() == b"put by OSS"
obstore.put(store, "from-s3.txt", b"put by S3", attributes={"Content-Type": "text/plain"})
obstore.put(store, "dir/large.bin", b"".join(bytes([number]) * 1024**2 for number in range(12)), chunk_size=5 * 1024**2)
ranges = obstore.get_ranges(store, "dir/large.bin", starts=[3 * 1024**2 - 1, 12 * 1024**2 - 1], lengths=[2, 1])
assert [bytes(each) for each in ranges] == [b"\2\3", b"\13"], ranges

refused = []
first = obstore.put(store, "lock", b"mine", mode="create")
try:
    obstore.put(store, "lock", b"yours", mode="create")
except AlreadyExistsError:
    refused.append("create")
obstore.put(store, "lock", b"still mine", mode={"e_tag": first["e_tag"]})
try:
    obstore.put(store, "lock", b"yours", mode={"e_tag": first["e_tag"]})
except PreconditionError:
    refused.append("update")
assert obstore.get(store, "lock").bytes() == b"still mine"

obstore.copy(store, "dir/large.bin", "dir/copy bin+&.ä")
obstore.rename(store, "dir/large.bin", "dir/moved.bin")
with urllib.request.urlopen(obstore.sign(store, "GET", "from-s3.txt", timedelta(minutes=5))) as reply:
    assert reply.read() == b"put by S3"
listed = obstore.list_with_delimiter(store, "dir/")
obstore.delete(store, [each["path"] for each in listed["objects"]])
assert obstore.list(store, "dir/").collect() == []
print(refused, [each["path"] for each in listed["objects"]])
