"""A hub on 127.0.0.1: what `huggingface_hub` and `datasets` ask of huggingface.co, in its layout, with its failures.

Repositories are folders that a test makes, each at commits that it names. A client is pointed to it by `HF_ENDPOINT`,
which it reads when it is imported: run it in a process of its own (`Hub.environment`).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

LARGE = 10_000  # bytes from which a file is kept apart, as with Git LFS, and its address redirects there
PIECE = 1 << 22  # bytes that are held of a file, which may be as large as the paper's models
TOKEN = "hf_of_the_tests"


@dataclass
class Repository:
    """Of a model or a data set: commit → folder, and the names that point to commits."""

    commits: dict[str, Path] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)  # as main, or refs/pr/5
    gated: bool = False  # asks for a token


@dataclass
class Fault:
    """What goes wrong `times` times for addresses that hold `part`."""

    part: str
    status: int = 0  # this answer instead; 0 cuts the connection after `after` bytes
    after: int = 0
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)  # (models or datasets, owner/name)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    address: str = ""

    def put(self, kind: str, name: str, commit: str, folder: Path, *refs: str, gated: bool = False) -> None:
        repository = self.repositories.setdefault((kind, name), Repository(gated=gated))
        repository.commits[commit] = folder
        repository.refs |= dict.fromkeys(refs or ("main",), commit)

    def environment(self, home: Path) -> dict[str, str]:
        """Of a process that asks this hub, and keeps what it gets in a folder of its own."""
        quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
        return quiet | {
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home),
            "NO_PROXY": "127.0.0.1,localhost",
            "HF_HUB_OFFLINE": "0",
        }


@cache
def _digest(path: Path, kind: str, _modified: int) -> str:
    made = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as content:
        while piece := content.read(PIECE):
            made.update(piece)
    return made.hexdigest()


def _blob(path: Path) -> dict[str, object]:
    """As the tree of a repository lists it."""
    modified = path.stat().st_mtime_ns
    made: dict[str, object] = {"type": "file", "oid": _digest(path, "sha1", modified), "size": path.stat().st_size}
    if path.stat().st_size >= LARGE:
        made["lfs"] = {"oid": _digest(path, "sha256", modified), "size": path.stat().st_size, "pointerSize": 135}
    return made


def file_digests(folder: Path) -> None:
    """Take the digests of a folder's files, which large ones take long for: a client would not wait."""
    for path in folder.iterdir():
        _blob(path)


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        """The tests read what was asked from `Hub.asked`."""

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    def answer(self, said: dict | None = None) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range", "")))
        fault = next((f for f in self.hub.faults if f.part in self.path and f.times > 0), None)
        if fault is not None and (fault.status or self.command == "GET"):
            fault.times -= 1
            if fault.status:
                return self.refuse(fault.status, "", fault.headers)
        else:
            fault = None
        for pattern, handle in (
            (r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/(.+))?", self.info),
            (r"/api/(models|datasets)/([^/]+/[^/]+)/tree/(.+)", self.tree),
            (r"/api/(models|datasets)/([^/]+/[^/]+)/paths-info/(.+)", self.paths),
            (r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/(.+)", self.resolve),
            (r"/cdn/(models|datasets)/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)", self.large),
        ):
            if found := re.fullmatch(pattern, path):
                self.fault, self.said = fault, said or {}
                return handle(*found.groups())
        return self.refuse(404, "")

    def refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        extra = ({"X-Error-Code": code} if code else {}) | (headers or {})
        self.send(json.dumps({"error": code or str(status)}).encode(), status, extra)

    def send(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": len(content)} | (headers or {})
        ).items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def repository(self, kind: str | None, name: str) -> Repository | None:
        """The one that is asked for; None, and an answer, if there is none or it may not be read."""
        found = self.hub.repositories.get((kind or "models", name))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token != TOKEN:
            self.refuse(401, "", {"X-Error-Message": "Invalid credentials in Authorization header"})
            return None
        if found is None:
            self.refuse(401, "RepoNotFound")
            return None
        if found.gated and not token:
            self.refuse(401, "GatedRepo")
            return None
        return found

    def split(self, repository: Repository, rest: str) -> tuple[str, str] | None:
        """Commit and path of ``REVISION/PATH``, of which the first may have slashes."""
        known = [*repository.refs, *repository.commits]
        for revision in sorted(known, key=len, reverse=True):
            if rest == revision or rest.startswith(f"{revision}/"):
                return repository.refs.get(revision, revision), rest.removeprefix(revision).strip("/")
        self.refuse(404, "RevisionNotFound")
        return None

    def info(self, kind: str, name: str, revision: str | None) -> None:
        if (repository := self.repository(kind, name)) and (found := self.split(repository, revision or "main")):
            commit, _ = found
            files = [
                {"rfilename": p.relative_to(repository.commits[commit]).as_posix()}
                for p in self.files(repository, commit)
            ]
            self.send(
                json.dumps(
                    {"id": name, "sha": commit, "siblings": files, "private": False, "gated": False, "tags": []}
                    | {"disabled": False, "downloads": 0, "likes": 0, "lastModified": "2023-01-01T00:00:00.000Z"}
                ).encode()
            )

    def files(self, repository: Repository, commit: str) -> list[Path]:
        return sorted(path for path in repository.commits[commit].rglob("*") if path.is_file())

    def tree(self, kind: str, name: str, rest: str) -> None:
        if (repository := self.repository(kind, name)) and (found := self.split(repository, rest)):
            root = repository.commits[found[0]]
            top = root / found[1]
            if not top.exists():
                return self.refuse(404, "EntryNotFound")
            every = "recursive=true" in self.path.lower()
            made = []
            for path in sorted(top.rglob("*") if every else top.iterdir()):
                shown = {"path": path.relative_to(root).as_posix()}
                made.append(
                    shown | (_blob(path) if path.is_file() else {"type": "directory", "oid": "0" * 40, "size": 0})
                )
            self.send(json.dumps(made).encode())

    def paths(self, kind: str, name: str, rest: str) -> None:
        if (repository := self.repository(kind, name)) and (found := self.split(repository, rest)):
            root = repository.commits[found[0]]
            asked = [str(path) for path in self.said.get("paths", [])]
            made = []
            for path in (p for p in asked if (root / p).exists()):
                file = (root / path).is_file()
                made.append(
                    {"path": path} | (_blob(root / path) if file else {"type": "directory", "oid": "0" * 40, "size": 0})
                )
            self.send(json.dumps(made).encode())

    def resolve(self, kind: str | None, name: str, rest: str) -> None:
        if (repository := self.repository(kind, name)) and (found := self.split(repository, rest)):
            commit, path = found
            file = repository.commits[commit] / path
            if not file.is_file():
                return self.refuse(404, "EntryNotFound", {"X-Repo-Commit": commit})
            blob = _blob(file)
            if "lfs" not in blob:
                return self.content(file, {"ETag": f'"{blob["oid"]}"', "X-Repo-Commit": commit})
            linked = {
                "X-Repo-Commit": commit,
                "X-Linked-Etag": f'"{blob["lfs"]["oid"]}"',
                "X-Linked-Size": blob["size"],
            }
            elsewhere = self.hub.address.replace("127.0.0.1", "localhost")  # another host, as a network of copies is
            self.send(b"", 302, linked | {"Location": f"{elsewhere}/cdn/{kind or 'models'}/{name}/{commit}/{path}"})

    def large(self, kind: str, name: str, commit: str, path: str) -> None:
        file = self.hub.repositories[kind, name].commits[commit] / path
        self.content(file, {"ETag": f'"{_digest(file, "sha256", file.stat().st_mtime_ns)}"'})

    def content(self, file: Path, headers: dict[str, str]) -> None:
        """The bytes of a file, or the range that is asked for; cut short where a fault says so."""
        size, status = file.stat().st_size, 200
        first, last = 0, size - 1
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            if first >= size:
                return self.refuse(416, "", {"Content-Range": f"bytes */{size}"})
            status = 206
            headers = headers | {"Content-Range": f"bytes {first}-{last}/{size}"}
        number = last - first + 1
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"} | headers
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(number)}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault is not None:
            number, self.close_connection = min(number, self.fault.after), True
        with file.open("rb") as content:
            content.seek(first)
            while number > 0 and (piece := content.read(min(PIECE, number))):
                self.wfile.write(piece)
                number -= len(piece)


@contextmanager
def running() -> Iterator[Hub]:
    """A hub without repositories, until the block is left."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OfThisHub", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
