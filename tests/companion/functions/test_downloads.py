"""What is fetched is there whole or not at all, and the lines of the paper's files name their place."""

import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from companion.functions import downloads


class Server(BaseHTTPRequestHandler):
    """Serves one body, and can hang up in the middle."""

    body = bytes(range(256)) * 400
    hang_up_after: int | None = None
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body[: self.hang_up_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Server.hang_up_after, Server.asked = None, 0
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/file.bin"
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_download_is_whole_and_kept(server, tmp_path):
    for _ in range(2):
        assert downloads.download(server, tmp_path).read_bytes() == Server.body
    assert Server.asked == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_an_interrupted_download_leaves_nothing(server, tmp_path):
    Server.hang_up_after = 70_000
    with pytest.raises(ConnectionError, match=r"file.bin could not be fetched: .* or fetch it elsewhere and put it at"):
        downloads.download(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_size_is_not_taken(server, tmp_path):
    size = len(Server.body)
    with pytest.raises(ValueError, match=r"file.bin gives has 102,400 bytes, expected 102,401: .* try again, or put"):
        downloads.download(server, tmp_path, size=size + 1)
    assert list(tmp_path.iterdir()) == []
    assert downloads.download(server, tmp_path, size=size).stat().st_size == size
    (tmp_path / "file.bin").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"file.bin has 3 bytes, expected 102,400: .* remove it, or put"):
        downloads.download(server, tmp_path, size=size)
    assert (tmp_path / "file.bin").read_bytes() == b"cut"  # what somebody put there is theirs


def test_a_file_put_there_by_hand_is_taken(tmp_path):
    (tmp_path / "file.bin").write_bytes(b"by hand")
    assert downloads.download("http://127.0.0.1:9/file.bin", tmp_path).read_bytes() == b"by hand"


def test_without_a_network_it_says_where_to_put_the_file(tmp_path):
    with pytest.raises(ConnectionError, match=rf"http://127.0.0.1:9/file.bin .*put it at {tmp_path / 'file.bin'}"):
        downloads.download("http://127.0.0.1:9/file.bin", tmp_path)


def test_lines_name_their_place(tmp_path):
    (tmp_path / "x.txt").write_bytes("a\n\nä \n".encode())
    assert list(downloads.lines(tmp_path / "x.txt")) == [(f"{tmp_path}/x.txt:1", "a"), (f"{tmp_path}/x.txt:3", "ä")]


def test_lines_end_as_any_system_ends_them(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\x0cc\nd")
    assert [text for _, text in downloads.lines(tmp_path / "x.txt")] == ["a", "b", "c\x0cc", "d"]


def test_lines_are_read_one_by_one(tmp_path):
    with (tmp_path / "x.txt").open("wb") as file:
        for _ in range(20):
            file.write(b"a line of a file that is larger than what is held\n" * 1000)
    tracemalloc.start()
    assert sum(1 for _ in downloads.lines(tmp_path / "x.txt")) == 20_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < (tmp_path / "x.txt").stat().st_size / 10
