"""The paper's own data, which is not shipped: from a folder of the user, or from the network once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from modularity import environment

if TYPE_CHECKING:
    import datasets

PAPER = "MODULARITY_PAPER"
HUB = {  # GLUE and SuperGLUE as parquet, each at one commit
    "glue": ("nyu-mll/glue", "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"),
    "super_glue": ("aps/super_glue", "3de24cf8022e94f4ee4b9d55a6f539891524d646"),
}
# T-REx as the authors of ParaRel cleaned and shipped it.
TREX_URL = (
    "https://raw.githubusercontent.com/yanaiela/pararel/845c42a218d9d26ae9d2cc9ba2ba780741c4e57e/data/trex_lms_vocab"
)


def folder() -> Path:
    """Where this user's downloads are kept between runs."""
    import pooch  # what was shipped is read without it

    return Path(pooch.os_cache("modularity"))


def paper_folder() -> Path | None:
    """The folder that the variable ``MODULARITY_PAPER`` names: ``onesec/``, ``trex/``, ``glue/``, ``super_glue/``, or
    some of these.

    Raises
    ------
    FileNotFoundError
        It names something that is not a folder.
    """
    named = environment.named(PAPER)
    if named is not None and not named.is_dir():
        raise FileNotFoundError(f"{PAPER} is {str(named)!r}, which is not a folder; name one, or unset it")
    return named


def paper_part(part: str) -> Path | None:
    """The folder `part` of the paper's data; None if the local folder has none, or none is named.

    OneSeC has to be put there by hand. Whoever has that need not fetch the other parts by hand as well.
    """
    root = paper_folder()
    return None if root is None or not (root / part).is_dir() else root / part


@cache
def transport_error() -> type[Exception]:
    """What the hub's clients let through when a connection breaks: of httpx or a successor, by their version."""
    from huggingface_hub.errors import HfHubHTTPError  # what was shipped is read without it

    return next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")


def files(folder: Path, pattern: str) -> list[Path]:
    """Those of a folder that match, sorted, without what a system hides there: ``._P17.jsonl`` of a Mac is no data."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def lines(file: Path) -> Iterator[tuple[str, str]]:
    """(place, text) for each line of a UTF-8 file that is not blank, read one by one; the place names file and line.

    A mark of the byte order before the first, as editors on Windows write it, is left out.
    """
    with file.open(encoding="utf-8-sig", errors="surrogateescape") as content:
        for number, line in enumerate(content, 1):
            try:
                if text := line.encode("utf-8", "surrogateescape").decode("utf-8").strip():
                    yield f"{file}:{number}", text
            except UnicodeDecodeError as error:
                raise ValueError(f"{file}:{number} is not UTF-8 ({error}); save the file as UTF-8") from error


def download(url: str, folder: Path, *, size: int | None = None) -> Path:
    """The file at `url`, kept in `folder`: there whole, or not at all. Whoever reads it checks what it holds.

    Parameters
    ----------
    size : its bytes, where they are known: a file of another size is not taken.

    Raises
    ------
    ConnectionError
        The network or the server does not give it; says what to put where by hand.
    ValueError
        It has another size: it is another file, or was cut.
    """
    import pooch  # what was shipped is read without it

    path = folder / url.rsplit("/", 1)[-1]
    by_hand = path.exists()  # or from a run before
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(url, None, path.name, folder)
    except OSError as error:
        raise ConnectionError(
            f"{url} could not be fetched: {error}; run this again with a network, "
            f"or fetch it elsewhere and put it at {path}"
        ) from error
    if size is not None and (found := path.stat().st_size) != size:
        if not by_hand:
            path.unlink()
        what = f"{path} has" if by_hand else f"what {url} gives has"
        raise ValueError(
            f"{what} {found:,} bytes, expected {size:,}: it is cut or another file; "
            f"{'remove it' if by_hand else 'try again'}, or put the right one at {path}"
        )
    return path


def hub_dataset(collection: str, config: str, split: str) -> "datasets.Dataset":
    """A data set of ``glue`` or ``super_glue`` from its hub, at the pinned commit.

    Raises
    ------
    ConnectionError
        It is not in the cache and there is no network; says what to put where.
    """
    from datasets import load_dataset  # slow to import, and only this needs it

    repository, revision = HUB[collection]
    try:
        return load_dataset(repository, config, split=split, revision=revision)  # type: ignore[return-value]
    except (OSError, transport_error(), ValueError) as error:
        raise ConnectionError(
            f"{repository} ({config}, {split}) at {revision} could not be fetched: {' '.join(str(error).split())}; "
            f"use a network, or put its parquet files into {collection}/{config}/ of a folder and name that in {PAPER}"
        ) from error
