"""Pictures processed in the link, by real clients against a real server with its render processes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..engines.vips.pictures import animation, frames_of, look, save, textured
from ..engines.vips.test_hostile import gif_of, png_of
from ..patience import wait_until
from ..server_process import ServerProcess
from .conftest import Put
from .programs import run_node
from .raw import Answer, send
from .test_sdk_v2 import a_client, the_error

PICTURE = save(textured(400, 267), "JPEG", quality=80)


def get(server: ServerProcess, bucket: str, key: str, actions: str, method: str = "GET") -> Answer:
    link = a_presigner(server.endpoint).presign(method, bucket, key, query={"x-oss-process": f"image/{actions}"})
    return send(link.url, method)


# --- the SDKs ---


@pytest.mark.parametrize("version", ["v4", "v1", "sdk v2"])
def test_a_picture_is_saved_in_the_background(live_server: ServerProcess, bucket: str, put: Put, version: str) -> None:
    """The second SDK leaves this parameter, as x-oss-process, out of its V1 signatures."""
    put("now.jpg", PICTURE)
    key = f"later-{version}.jpg"
    asked = f"image/resize,w_100|sys/saveas,o_{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}"
    auth: Any = (oss2.Auth if version == "v1" else oss2.AuthV4)(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    store = oss2.Bucket(auth, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)
    if version == "sdk v2":
        request = oss.AsyncProcessObjectRequest(bucket, "now.jpg", process=asked)
        accepted = a_client(live_server).async_process_object(request)
        assert accepted.process_request_id == accepted.request_id
    else:
        accepted = store.async_process_object("now.jpg", asked)
    assert accepted.task_id.startswith("Image-")
    assert accepted.event_id
    wait_until(lambda: store.object_exists(key))
    assert look(store.get_object(key).read()).size == (100, 67)


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_oss2_gets_and_signs(live_server: ServerProcess, bucket: str, put: Put, version: str, tmp_path: Path) -> None:
    put("oss2.jpg", PICTURE)
    auth: Any = (oss2.AuthV4 if version == "v4" else oss2.Auth)(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    store = oss2.Bucket(auth, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)
    got = store.get_object("oss2.jpg", process="image/resize,w_100")
    assert look(got.read()).size == (100, 67)
    store.get_object_to_file("oss2.jpg", str(tmp_path / "file"), process="image/format,png")  # compares CRCs
    assert look((tmp_path / "file").read_bytes()).format == "PNG"
    url = store.sign_url("GET", "oss2.jpg", 3600, params={"x-oss-process": "image/rotate,90"}, slash_safe=True)
    assert look(send(url, "GET").body).size == (267, 400)
    assert send(url.replace("rotate%2C90", "rotate%2C180"), "GET").status == 403
    info = json.loads(store.get_object("oss2.jpg", process="image/info").read())
    assert int(info["ImageWidth"]["value"]) == 400


def test_sdk_v2_gets_presigns_and_saves(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("v2.jpg", PICTURE)
    client = a_client(live_server)
    asked = oss.GetObjectRequest(bucket=bucket, key="v2.jpg", process="image/resize,m_fill,w_100,h_100/format,webp")
    got = client.get_object(asked)
    assert (got.content_type, look(got.body.content).size) == ("image/webp", (100, 100))
    url = client.presign(asked).url
    assert look(send(url, "GET").body).size == (100, 100)
    assert send(url.replace("w_100", "w_101"), "GET").status == 403
    for to_bucket in (None, bucket):
        target = base64.urlsafe_b64encode(b"thumbs/v2.png").decode().rstrip("=")
        process = f"image/resize,w_50/format,png|sys/saveas,o_{target}"
        if to_bucket:
            process += f",b_{base64.urlsafe_b64encode(to_bucket.encode()).decode()}"
        done = client.process_object(oss.ProcessObjectRequest(bucket=bucket, key="v2.jpg", process=process))
        saved = client.get_object(oss.GetObjectRequest(bucket=bucket, key="thumbs/v2.png"))
        assert (saved.content_type, look(saved.body.content).size) == ("image/png", (50, 33))
        told = (done.status_code, done.bucket, done.key, done.file_size, done.process_status)
        assert told == (200, to_bucket or "", "thumbs/v2.png", len(saved.body.content), "OK")
    error = the_error(client.get_object, oss.GetObjectRequest(bucket=bucket, key="v2.jpg", process="image/slim,1"))
    assert (error.status_code, error.code, error.ec) == (400, "InvalidArgument", "0040-00000213")


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_sdk_v2_keeps_styles(live_server: ServerProcess, bucket: str, put: Put, version: str) -> None:
    put("styled.jpg", PICTURE)
    client = a_client(live_server, version)
    style = oss.StyleContent(content="image/resize,w_60")
    assert client.put_style(oss.PutStyleRequest(bucket=bucket, style_name="tiny", style=style)).status_code == 200
    assert client.get_style(oss.GetStyleRequest(bucket=bucket, style_name="tiny")).style.content == "image/resize,w_60"
    listed = client.list_style(oss.ListStyleRequest(bucket=bucket)).style_list.styles
    assert [(found.name, found.category) for found in listed] == [("tiny", "image")]
    asked = oss.GetObjectRequest(bucket=bucket, key="styled.jpg", process="style/tiny")
    if version == "v1":  # this SDK's V1 signer leaves x-oss-process out, and what isn't signed isn't done
        assert the_error(client.get_object, asked).code == "SignatureDoesNotMatch"
    else:
        assert look(client.get_object(asked).body.content).size == (60, 40)
    assert client.delete_style(oss.DeleteStyleRequest(bucket=bucket, style_name="tiny")).status_code == 204
    assert the_error(a_client(live_server).get_object, asked).code == "NoSuchStyle"


def test_ali_oss_signs_and_saves(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("node.jpg", PICTURE)
    facts = run_node("pictures.js", "ali-oss", live_server, bucket=bucket, key="node.jpg")
    told = {fact.pop("name"): fact for fact in facts}

    def size(name: str) -> tuple[int, int]:
        return look(base64.b64decode(told[name]["body"])).size

    assert (told["get"]["type"], size("get")) == ("image/png", (100, 67))
    assert (told["link"]["status"], told["link"]["type"], size("link")) == (200, "image/webp", (120, 80))
    assert size("raw") == (120, 80)
    assert (told["changed"]["status"], told["dropped"]["status"]) == (403, 403)
    assert told["saved"]["status"] == 200
    assert (told["again"]["type"], size("again")) == ("image/png", (80, 53))
    assert told["refused"] == {"code": "InvalidArgument", "status": 400}


# --- the server ---


@pytest.mark.blob_files
def test_result_is_remembered_until_the_object_is_another(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("cached.jpg", PICTURE)
    first = get(live_server, bucket, "cached.jpg", "resize,w_90/format,png")
    results = len(list((live_server.data / "results").glob("??/*")))
    second = get(live_server, bucket, "cached.jpg", "format,png/resize,w_90")
    assert first.body == second.body
    assert len(list((live_server.data / "results").glob("??/*"))) == results
    put("cached.jpg", save(textured(200, 400), "JPEG"))
    assert look(get(live_server, bucket, "cached.jpg", "resize,w_90/format,png").body).size == (90, 180)
    link = a_presigner(live_server.endpoint).presign("DELETE", bucket, "cached.jpg")
    assert send(link.url, "DELETE").status == 204
    assert get(live_server, bucket, "cached.jpg", "resize,w_90/format,png").status == 404


def test_result_of_many_pieces_arrives_whole(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("large.jpg", save(textured(1600, 1200), "JPEG"))
    for _ in range(2):
        answer = get(live_server, bucket, "large.jpg", "resize,w_1500/format,bmp")
        assert len(answer.body) == int(answer.headers["content-length"]) == 54 + 4500 * 1125
        assert look(answer.body).size == (1500, 1125)


def test_watermark_in_chinese_over_the_wire(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("plain.png", save(textured(400, 267), "PNG"))
    text = base64.urlsafe_b64encode("寄存处".encode()).decode().rstrip("=")
    marked = get(live_server, bucket, "plain.png", f"watermark,text_{text},size_60,color_FFFFFF,g_center")
    assert (marked.status, marked.headers["content-type"]) == (200, "image/png")
    assert marked.body != get(live_server, bucket, "plain.png", "format,png").body


def test_animation_goes_on_moving(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("moving.gif", animation())
    found = look(get(live_server, bucket, "moving.gif", "resize,w_30").body)
    assert (found.format, frames_of(found)) == ("GIF", 5)


def test_hostile_pictures_leave_the_server_well(live_server: ServerProcess, bucket: str, put: Put) -> None:
    bombs = {
        "huge.png": png_of(30_000, 30_000),
        "claim.png": png_of(15_000, 15_000),
        "frames.gif": gif_of(100_000, 10, 10),
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "cut.jpg": PICTURE[: len(PICTURE) // 2],
        "text.jpg": b"hello",
        "empty.jpg": b"",
    }
    for key, data in bombs.items():
        put(key, data)
        for actions in ("resize,w_100", "resize,w_100/blur,r_50,s_50", "rotate,45"):
            answer = get(live_server, bucket, key, actions)
            assert answer.status == 400, (key, actions, answer)
            assert b"<Error>" in answer.body
    put("fine.jpg", PICTURE)
    assert get(live_server, bucket, "fine.jpg", "resize,w_33").status == 200
    assert "Traceback" not in live_server.log.read_text()


def test_server_ends_its_render_processes(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", workers=1)
    try:
        presigner = a_presigner(server.endpoint)
        assert send(presigner.presign("PUT", "pics", None).url, "PUT", body=b"").status == 200
        assert send(presigner.presign("PUT", "pics", "a.jpg").url, "PUT", body=PICTURE).status == 200
        before = set(server.processes())
        assert get(server, "pics", "a.jpg", "resize,w_10").status == 200
        [renderer] = set(server.processes()) - before
        server.stop()
        wait_until(lambda: not Path(f"/proc/{renderer}/cmdline").exists())
    finally:
        server.kill()
