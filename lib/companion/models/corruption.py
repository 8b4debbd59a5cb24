"""Text as a model is pre-trained on it: sentences, one long stream of tokens, and span corruption."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from companion.functions import sources, tracks

if TYPE_CHECKING:
    import transformers  # slow to import: processes that make batches go without

EOS = 1


def documents() -> list[list[str]]:
    """The training text as sentences by document, without any sentence that a sub-function evaluates.

    Running text comes twice: WordNet's definitions would be half of all tokens otherwise.
    """
    held_out = tracks.evaluation_sentences()
    parts = ("wikipedia", "brown", "wordnet", "wikipedia", "brown")
    texts = (document for part in parts for document in sources.corpus(part))
    return [kept for document in texts if (kept := [s for s in document if s not in held_out])]


def token_stream(
    docs: Sequence[Sequence[str]], tokenizer: "transformers.PreTrainedTokenizerFast"
) -> Int[np.ndarray, "token"]:
    """All documents one after another, each closed by the end mark."""
    texts = [" ".join(d) for d in docs]
    once = list(dict.fromkeys(texts))  # running text comes twice
    encoded = tokenizer(once, verbose=False)["input_ids"]
    tokens = dict(zip(once, (np.asarray(ids, dtype=np.int32) for ids in encoded), strict=True))
    return np.concatenate([tokens[text] for text in texts])


def raw_length(length: int, noise: float, span: float) -> tuple[int, int, int]:
    """How many raw tokens corrupt to at most `length` encoder tokens: ``(raw, hidden, spans)``."""

    def corrupted(raw: int) -> tuple[int, int, int]:
        hidden = min(max(round(raw * noise), 1), raw - 1)
        spans = max(round(hidden / span), 1)
        return raw - hidden + spans + 1, hidden, spans

    raw = length
    while corrupted(raw + 1)[0] <= length:
        raw += 1
    return raw, *corrupted(raw)[1:]


def corrupt(
    windows: Int[np.ndarray, "batch raw"], hidden: int, spans: int, *, sentinel: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "batch length"], Int[np.ndarray, "batch target"]]:
    """Span corruption (Raffel et al., 2020, Section 3.1.4): each hidden span becomes one sentinel, and the
    target lists each sentinel followed by what it hid. Span i gets the id ``sentinel + i``."""
    batch, raw = windows.shape

    def partition(total: int) -> np.ndarray:
        """`spans` random positive lengths that sum to `total`, one row a window."""
        cuts = rng.permuted(np.tile(np.arange(total - 1) < spans - 1, (batch, 1)), axis=1)
        segment = np.pad(cuts.cumsum(1), ((0, 0), (1, 0)))
        return (segment[..., None] == np.arange(spans)).sum(1)

    lengths = np.stack([partition(raw - hidden), partition(hidden)], axis=2).reshape(batch, -1)
    segment = (np.arange(raw)[None, :, None] >= lengths.cumsum(1)[:, None, :]).sum(2)  # visible, hidden, visible …
    first = np.diff(segment, axis=1, prepend=-1) > 0
    noise = segment % 2 == 1
    mixed_in = sentinel + segment // 2
    end = np.full((batch, 1), EOS)

    def replace(dropped: np.ndarray) -> np.ndarray:
        """The windows with each dropped run replaced by its sentinel, and an end mark."""
        kept = np.where(dropped, mixed_in, windows)[~dropped | first]
        return np.concatenate([kept.reshape(batch, -1), end], axis=1)

    return replace(noise), replace(~noise)


def batches(
    stream: Int[np.ndarray, "token"],
    *,
    steps: range,
    batch: int,
    length: int,
    noise: float,
    span: float,
    sentinel: int,
    seed: int,
) -> Iterator[tuple[Int[np.ndarray, "batch length"], Int[np.ndarray, "batch target"]]]:
    """Encoder and target ids for each of `steps`. They depend on the step and the seed only, so a run can
    go on from any step.

    Raises
    ------
    ValueError
        The text is too short for one step.
    """
    raw, hidden, spans = raw_length(length, noise, span)
    per_epoch = (len(stream) - raw) // raw // batch
    if per_epoch < 1:
        raise ValueError(f"the text has {len(stream)} tokens, one step needs {raw * (batch + 1)}; add text")
    for step in steps:
        epoch, index = divmod(step, per_epoch)
        order = np.random.default_rng([seed, 1, epoch])
        offset = order.integers(raw)
        chosen = order.permutation(per_epoch * batch)[index * batch : (index + 1) * batch]
        windows = stream[offset + chosen[:, None] * raw + np.arange(raw)]
        yield corrupt(windows, hidden, spans, sentinel=sentinel, rng=np.random.default_rng([seed, 2, step]))
