"""Docker's registry keeps its layers with the OSS driver: an image is pushed and pulled over the registry's HTTP API.

The registry's program, the one of tests/ecosystem/go, is the first argument. The driver puts no bucket into the path,
so the endpoint is the bucket's own name; here the server itself, as a proxy, stands in for a name server.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from email.message import Message
from pathlib import Path
from urllib.parse import urljoin

CONFIGURATION = """\
version: 0.1
http: {{secret: not-a-secret}}
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  redirect: {{disable: true}}  # the driver's links lead to the cloud, whatever the endpoint is
  oss:
    endpoint: {bucket}.oss-cn-hangzhou.aliyuncs.com
    secure: false
    region: oss-cn-hangzhou
    bucket: {bucket}
    accesskeyid: {key}
    accesskeysecret: {secret}
    rootdirectory: /registry
"""
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def call(
    method: str, address: str, body: bytes | None = None, kind: str = "application/octet-stream"
) -> tuple[Message, bytes]:
    request = urllib.request.Request(address, body, {"Content-Type": kind, "Accept": MANIFEST_TYPE}, method=method)
    with urllib.request.urlopen(request) as reply:
        return reply.headers, reply.read()


def push_blob(content: bytes) -> str:
    headers, _ = call("POST", f"{image}/blobs/uploads/", b"")
    upload = urljoin(image, headers["Location"])
    headers, _ = call("PATCH", upload, content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    call("PUT", f"{urljoin(image, headers['Location'])}&digest={digest}", b"")
    return digest


settings = CONFIGURATION.format(
    bucket=os.environ["BUCKET"],
    key=os.environ["OSS_ACCESS_KEY_ID"],
    secret=os.environ["OSS_ACCESS_KEY_SECRET"],
)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "config.yml"
    file.write_text(settings)
    environment = {**os.environ, "HTTP_PROXY": os.environ["OSS_ENDPOINT"]}
    registry = subprocess.Popen([sys.argv[1], str(file)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert registry.stdout is not None
        image = f"http://{registry.stdout.readline().strip()}/v2/demo/app"
        layer = os.urandom(12_000_000)
        blobs = {name: push_blob(content) for name, content in (("config", b"{}"), ("layer", layer))}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": 2,
                "digest": blobs["config"],
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(layer),
                    "digest": blobs["layer"],
                }
            ],
        }
        call("PUT", f"{image}/manifests/latest", json.dumps(manifest).encode(), MANIFEST_TYPE)
        pulled = json.loads(call("GET", f"{image}/manifests/latest")[1])
        _, content = call("GET", f"{image}/blobs/{pulled['layers'][0]['digest']}")
        tags = json.loads(call("GET", f"{image}/tags/list")[1])["tags"]
        print("pulled", content == layer, tags)
    finally:
        registry.terminate()
        registry.wait()
