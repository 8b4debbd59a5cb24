"""Every shipped file is registered and intact; a damaged one is named with what to do."""

import hashlib
import shutil
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from companion.functions import sources
from companion.released import published


def test_every_shipped_file_matches_its_line():
    folder = sources.data_folder()
    shipped = {
        p.relative_to(folder).as_posix()
        for part in ("corpus", "functions", "tokenizer", "models", "history", "results", "published")
        for p in (folder / part).rglob("*")
        if p.is_file() and p.suffix != ".md"
    }
    assert shipped == set(sources.registry())
    for name, entry in sources.registry().items():
        assert sources.path(name).is_file()
        assert all([entry.licence, entry.source]), name


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A data folder of its own with one file and its line."""
    folder = tmp_path / "data"
    (folder / "published").mkdir(parents=True)
    shutil.copy(sources.data_folder() / "published/figure1_left.csv", folder / "published")
    digest = hashlib.sha256((folder / "published/figure1_left.csv").read_bytes()).hexdigest()
    (folder / "registry.txt").write_text(f"# a comment\npublished/figure1_left.csv | {digest} | facts | the paper\n")
    monkeypatch.setenv("MODULARITY_DATA", str(folder))
    return folder


def test_a_folder_of_ones_own_is_read(copy):
    assert sources.path("published/figure1_left.csv").parent.parent == copy


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b.replace(b"7", b"8", 1)], ids=["cut", "altered"])
def test_a_damaged_file_is_named(copy, damage):
    path = copy / "published/figure1_left.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"figure1_left.csv is altered or cut short: .* `git checkout"):
        published.figure1_left()


def test_a_missing_file_is_named(copy):
    (copy / "published/figure1_left.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"figure1_left.csv is missing; restore it"):
        published.figure1_left()


def test_an_unknown_name_lists_the_known(copy):
    with pytest.raises(KeyError, match=r"'published/figure9.csv'; known: published/figure1_left.csv"):
        sources.path("published/figure9.csv")


def test_a_folder_without_a_registry_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULARITY_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no registry.txt in .*MODULARITY_DATA"):
        sources.path("x")


def test_figure1_left_has_the_printed_rows():
    table = published.figure1_left()
    assert set(table["function"]) == {"semantic", "knowledge", "task"}
    t5 = table.query("model == 't5' and function == 'semantic' and init == 'pretrained'")
    assert t5["layer"].tolist() == list(range(12))
    assert t5["mean_best_ap"].iloc[0] == 0.847069  # the figure's first point, layer 1 there and 0 here


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
        assert sources.download(server, tmp_path).read_bytes() == Server.body
    assert Server.asked == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_an_interrupted_download_leaves_nothing(server, tmp_path):
    Server.hang_up_after = 70_000
    with pytest.raises(ConnectionError, match=r"file.bin could not be fetched: .* or fetch it elsewhere and put it at"):
        sources.download(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_size_is_not_taken(server, tmp_path):
    size = len(Server.body)
    with pytest.raises(ValueError, match=r"file.bin gives has 102,400 bytes, expected 102,401: .* try again, or put"):
        sources.download(server, tmp_path, size=size + 1)
    assert list(tmp_path.iterdir()) == []
    assert sources.download(server, tmp_path, size=size).stat().st_size == size
    (tmp_path / "file.bin").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"file.bin has 3 bytes, expected 102,400: .* remove it, or put"):
        sources.download(server, tmp_path, size=size)
    assert (tmp_path / "file.bin").read_bytes() == b"cut"  # what somebody put there is theirs


def test_a_file_put_there_by_hand_is_taken(tmp_path):
    (tmp_path / "file.bin").write_bytes(b"by hand")
    assert sources.download("http://127.0.0.1:9/file.bin", tmp_path).read_bytes() == b"by hand"


def test_without_a_network_it_says_where_to_put_the_file(tmp_path):
    with pytest.raises(ConnectionError, match=rf"http://127.0.0.1:9/file.bin .*put it at {tmp_path / 'file.bin'}"):
        sources.download("http://127.0.0.1:9/file.bin", tmp_path)


def test_lines_name_their_place(tmp_path):
    (tmp_path / "x.txt").write_bytes("a\n\nä \n".encode())
    assert list(sources.lines(tmp_path / "x.txt")) == [(f"{tmp_path}/x.txt:1", "a"), (f"{tmp_path}/x.txt:3", "ä")]


def test_lines_end_as_any_system_ends_them(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\x0cc\nd")
    assert [text for _, text in sources.lines(tmp_path / "x.txt")] == ["a", "b", "c\x0cc", "d"]


def test_lines_are_read_one_by_one(tmp_path):
    with (tmp_path / "x.txt").open("wb") as file:
        for _ in range(20):
            file.write(b"a line of a file that is larger than what is held\n" * 1000)
    tracemalloc.start()
    assert sum(1 for _ in sources.lines(tmp_path / "x.txt")) == 20_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < (tmp_path / "x.txt").stat().st_size / 10
