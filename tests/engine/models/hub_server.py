"""A hub on this machine that speaks as much of the real one's language as its client needs, with faults."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class HubServer(ThreadingHTTPServer):
    """Serves folders as repositories: ``repositories[name] = (commit, folder)``.

    ``breaks[file]`` is a list of byte counts after which the next answers break off; ``busy`` how many of the
    next answers are 503; ``asked`` logs (path, range, authorization) of every request for bytes.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, tuple[str, Path]] = {}
        self.breaks: dict[str, list[int]] = {}
        self.busy = 0
        self.knows_ranges = True
        self.changed: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.sent = Counter[str]()
        self.status = 200
        self.licence: str | None = None

    @property
    def address(self) -> str:
        """As HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def about(self, name: str) -> dict[str, object]:
        """The answer of the interface to a question about a repository."""
        commit, folder = self.repositories[name]
        files = [_sibling(path) for path in sorted(folder.iterdir()) if path.is_file()]
        return {"id": name, "sha": commit, "siblings": files, "cardData": {"license": self.licence}}


def _sibling(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    found: dict[str, object] = {"rfilename": path.name, "size": len(data), "blobId": git}
    if path.suffix in (".safetensors", ".bin"):
        found["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """Questions, addresses, bytes."""
        path = urlsplit(self.path).path
        if self.server.status != 200:
            self._answer(self.server.status, b"{}")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(\w+))?", path):
            self._tell(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
            self._resolve(match[1], match[2], match[3])
        elif path.startswith("/cdn/"):
            _, _, owner, name, file = path.split("/")
            self._send(self.server.repositories[f"{owner}/{name}"][1] / file)
        else:
            self._answer(404, b"{}")

    def _tell(self, name: str, commit: str | None) -> None:
        known = self.server.repositories.get(name)
        if known is None or commit not in (None, known[0]):
            code = "RepoNotFound" if known is None else "RevisionNotFound"
            self._answer(404, b"{}", {"X-Error-Code": code})
            return
        self._answer(200, json.dumps(self.server.about(name)).encode())

    def _resolve(self, name: str, commit: str, file: str) -> None:
        known, folder = self.server.repositories[name]
        assert commit == known, "bytes are asked for at the pinned commit only"
        if file.endswith(".safetensors"):
            # Large files lie on another host, where the token has no business.
            place = f"http://localhost:{self.server.server_port}/cdn/{name}/{file}"
            self._answer(302, b"", {"Location": place, "X-Repo-Commit": commit})
        else:
            self._send(folder / file)

    def _send(self, path: Path) -> None:
        self.server.asked.append((path.name, self.headers.get("Range"), self.headers.get("Authorization")))
        if self.server.busy:
            self.server.busy -= 1
            self._answer(503, b"")
            return
        data = self.server.changed.get(path.name, path.read_bytes())
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.server.knows_ranges else 0
        body, headers = data[start:], {"ETag": '"x"'}
        if asked and self.server.knows_ranges:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        breaks = self.server.breaks.get(path.name, [])
        cut = breaks.pop(0) if breaks else len(body)
        self._answer(206 if "Content-Range" in headers else 200, body, headers, cut)
        self.server.sent[path.name] += min(cut, len(body))

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None and cut < len(body):
            self.close_connection = True


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """A hub that answers until the end of the block."""
    with HubServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
