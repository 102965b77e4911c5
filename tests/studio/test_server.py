"""The studio over HTTP: who is answered, what is sent, and that nothing else happens."""

import io
import json
import socket
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from marey.core.errors import UserError
from marey.studio.answers import Studio
from marey.studio.making import Motion
from marey.studio.serve import listen, server_library
from marey.studio.server import create_app

HOME = "http://127.0.0.1:8123"


@pytest.fixture(scope="module")
def client(studio: Studio) -> TestClient:
    return TestClient(create_app(studio), base_url=HOME)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(folder.rglob("*"))}


def test_the_page_and_its_parts_are_sent_and_nothing_else(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "marey studio" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "http" not in policy and "unsafe" not in policy
    for part in ("/main.js", "/style.css", "/studio.css", "/space.js"):
        assert part in page.text and client.get(part).status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
    for path in (
        "/../pyproject.toml",
        "/%2e%2e/server.py",
        "/server.py",
        "/etc/passwd",
        "/api/nothing",
        "/config.json",
    ):
        refused = client.get(path)
        assert refused.status_code == 404 and "error" in refused.json(), path
    assert client.get("/api/make").status_code == 404
    assert client.get("/nowhere").headers["cache-control"] == "no-store"


def test_the_whole_story_is_told_over_http_and_nothing_is_written(client: TestClient, demo: Path) -> None:
    before = state(demo)
    start = client.get("/api/start").json()
    assert start["run"] == demo.name and len(start["laws"]) == 13
    made = client.post("/api/make", json=start["laws"][1]["start"]).json()
    film = made["film"]
    assert client.post("/api/read", json={"film": film}).json()["law"] == "circular"
    opinion = client.post("/api/ask", json={"film": film}).json()
    assert len(opinion["probability"]) == 4 and opinion["continues"]["given"] == [True] * 4 + [False] * 4
    assert len(client.post("/api/tokens", json={"film": film}).json()["digits"]) == 8
    filled = client.post("/api/fill", json={"film": film, "hidden": [3]})
    assert filled.json()["given"].count(False) == 1
    clips = client.post("/api/generate", json={"law": "linear", "n": 2, "drafts": 1}).json()
    assert len(clips) == 2 and clips[0]["film"]["frames"] == 8
    drawn = client.post("/api/draw", json={"points": [[0.2, 0.5, 0], [0.8, 0.5, 1]]}).json()
    wish = {"film": drawn["film"], "kind": "npz", "seconds": 1.0}
    file = client.post("/api/export", json=wish)
    assert file.headers["content-disposition"] == 'attachment; filename="marey.npz"'
    with np.load(io.BytesIO(file.content)) as arrays:
        assert arrays["videos"].shape == (1, 8, 1, 32, 32)
    back = client.post("/api/upload", content=file.content)
    assert back.json()["film"] == drawn["film"]
    again = client.post("/api/upload", content=file.content, params={"cut": json.dumps({"invert": True})})
    assert again.json()["made"].endswith("brightness inverted")
    assert state(demo) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "127.0.0.1:8123@evil.example"}, 403),
        ({"host": "localhost:8123"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "http://["}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "[localhost]"}, 403),
        ({"origin": HOME}, 200),
    ],
)
def test_only_this_machine_s_own_page_is_answered(client: TestClient, headers: dict, status: int) -> None:
    answer = client.get("/api/start", headers=headers)
    assert answer.status_code == status
    assert status == 200 or set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("path", "sent", "status", "said"),
    [
        ("/api/make", {"content": b"{}"}, 415, "not JSON"),
        ("/api/make", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "not valid JSON"),
        ("/api/make", {"json": {}}, 400, "field law: "),
        ("/api/make", {"json": []}, 400, "request"),
        ("/api/read", {"json": {"film": {}, "path": "/etc/passwd"}}, 400, "field "),
        ("/api/generate", {"json": {"law": "linear", "n": 10**9}}, 400, "n=1000000000"),
        ("/api/fill", {"json": {"film": 3, "hidden": []}}, 400, "field film"),
        ("/api/read", {"content": bytes(9 << 20), "headers": {"content-type": "application/json"}}, 413, "8 MB"),
        ("/api/upload", {"content": bytes(21 << 20)}, 413, "20 MB"),
        ("/api/upload", {"content": b"text"}, 400, "no MP4, MOV"),
        ("/api/upload", {"content": b"text", "params": {"cut": "{"}}, 400, "not valid JSON"),
        ("/api/upload", {"content": b"text", "params": {"cut": '{"start": -1}'}}, 400, "start=-1"),
    ],
)
def test_a_bad_request_gets_a_sentence(client: TestClient, path: str, sent: dict, status: int, said: str) -> None:
    answer = client.post(path, **sent)
    assert answer.status_code == status and said in answer.json()["error"], answer.text
    assert "\n" not in answer.json()["error"] and "Traceback" not in answer.text


def test_a_defect_is_told_to_the_terminal_and_not_to_the_page(studio: Studio, capfd) -> None:
    class Broken(Studio):
        def make(self, ask: Motion):
            raise ZeroDivisionError("a secret of the inside")

    client = TestClient(create_app(Broken(studio.stage, studio.model)), base_url=HOME)
    answer = client.post("/api/make", json=asdict(studio.start().laws[0].start))
    assert answer.status_code == 500 and "secret" not in answer.text
    assert "a secret of the inside" in capfd.readouterr().err


def test_it_listens_on_the_loopback_interface_and_says_when_a_port_is_taken() -> None:
    ear = listen(0)
    address, port = ear.getsockname()
    assert address == "127.0.0.1" and port > 0 and ear.family == socket.AF_INET
    with pytest.raises(UserError, match=f"--port {port} cannot be used"):
        listen(port)
    ear.close()


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(UserError, match=r"pip install 'marey\[studio\]'"):
        server_library("uvicorn")
