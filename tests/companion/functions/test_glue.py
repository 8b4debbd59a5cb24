"""GLUE and SuperGLUE in the hub's parquet files: eight sub-functions, and bad files named."""

import datasets
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from toys import glue_rows as rows

from companion.functions import downloads, glue, tracks


@pytest.fixture
def folder(glue_folder):
    return glue_folder


def test_seven_tasks_are_eight_subfunctions(folder):
    loaded = tracks.load("task", track="paper")
    assert [s.name for s in loaded] == [
        "cola",
        "mnli-contradiction",
        "mnli-neutral",
        "mrpc",
        "qnli",
        "qqp",
        "rte",
        "sst2",
    ]
    sizes = {s.name: (len(s.sentences), int(s.labels.sum())) for s in loaded}
    assert sizes["cola"] == (6, 3)
    assert sizes["mnli-neutral"] == (9, 3)
    assert sizes["mnli-contradiction"] == (6, 3)


def test_sentences_carry_prompts_and_their_own_labels(folder):
    rte = {s.name: s for s in tracks.load("task", track="paper")}["rte"]
    assert rte.sentences[:2] == (
        "rte sentence1: rte sentence1 0 sentence2: rte sentence2 0",
        "rte sentence1: rte sentence1 1 sentence2: rte sentence2 1",
    )
    assert rte.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_the_authors_order_of_mnli_is_an_option(folder):
    swapped = {s.name: s for s in tracks.load("task", track="paper", mnli="authors")}["mnli-neutral"]
    assert swapped.sentences[0] == "mnli hypothesis: mnli premise 0 premise: mnli hypothesis 0"


def test_the_training_part_is_read_on_request(folder):
    assert {len(s.sentences) for s in tracks.load("task", track="paper", part="train")} == {10, 15}


def test_large_classes_are_sampled_small_ones_kept():
    table = rows("cola", [0] * 50 + [1] * 8)
    first, again, other = (glue.binary("cola", table, per_label=10, seed=s)[0] for s in (0, 0, 1))
    assert first.labels.tolist() == [0] * 10 + [1] * 8
    assert first.sentences == again.sentences != other.sentences
    assert set(first.sentences[10:]) == {f"cola sentence: cola sentence {i}" for i in range(50, 58)}


def test_superglue_is_read_with_its_own_columns(folder):
    table = glue.read("multirc")
    assert list(table) == ["paragraph", "question", "answer", "label"]
    assert set(table["label"]) == {0, 1}


def test_several_files_of_a_split_are_one_table(folder):
    place = folder / "glue/cola"
    rows("cola", [1, 0]).assign(idx=[6, 7]).to_parquet(place / "validation-00001-of-00002.parquet")
    assert len(glue.read("cola")) == 8


def test_empty_questions_are_left_out(folder):
    table = rows("qqp", [0, 1, 0])
    table.loc[1, "question2"] = ""
    table.to_parquet(folder / "glue/qqp/validation-00000-of-00001.parquet")
    assert len(glue.read("qqp")) == 2


def test_without_a_folder_the_hub_is_asked_at_a_pinned_commit(monkeypatch):
    monkeypatch.delenv("MODULARITY_PAPER", raising=False)
    asked = []

    def load_dataset(path, config, *, split, revision):
        asked.append((path, config, split, revision))
        return datasets.Dataset.from_pandas(rows(config, [0, 1, 2]))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert glue.read("mnli")["label"].tolist() == [0, 1, 2]
    assert glue.read("cb")["label"].tolist() == [0, 1, 2]
    assert asked == [
        ("nyu-mll/glue", "mnli", "validation_matched", "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"),
        ("aps/super_glue", "cb", "validation", "3de24cf8022e94f4ee4b9d55a6f539891524d646"),
    ]


def test_without_folder_and_network_it_says_what_to_put_where(monkeypatch, tmp_path):
    monkeypatch.delenv("MODULARITY_PAPER", raising=False)

    def unreachable(*_, **__):
        raise ConnectionError("Couldn't reach 'nyu-mll/glue' on the Hub (OfflineModeIsEnabled)")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(ConnectionError, match=r"nyu-mll/glue \(cola, .* at bcdcba.*glue/cola/ .* MODULARITY_P"):
        glue.read("cola")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows("cola", [0, 1]).drop(columns="sentence"), r"00001.parquet has no column 'sentence'; it has label, idx"),
        (rows("cola", [0, 1]).drop(columns="label"), r"has no column 'label'"),
        (rows("cola", [0, 1, -1]), r"00001.parquet, row 2: 'label' is -1, expected 0 to 1 \(a test split"),
        (rows("cola", [0, 1]).assign(sentence=["a", None]), r"row 1: 'sentence' is (None|nan), expected text"),
        (rows("cola", [0, 1, 0]).assign(idx=[0, 3, 3]), r"row 2: 'idx' is '3 again', expected each row once"),
        (rows("cola", [0, 1]).assign(sentence=[1, 2]), r"row 0: 'sentence' is 1, expected text"),
    ],
    ids=["column", "no label", "test split", "missing", "twice", "number"],
)
def test_a_bad_table_is_named(folder, table, message):
    table.to_parquet(folder / "glue/cola/validation-00000-of-00001.parquet")
    with pytest.raises(ValueError, match=message):
        glue.read("cola")


def test_files_that_a_mac_hides_are_no_data(folder):
    before = glue.read("cola")
    (folder / "glue/cola/._validation-00000-of-00001.parquet").write_bytes(b"\x00\x05\x16\x07")
    (folder / "glue/cola/.validation-00000-of-00001.parquet").write_bytes(b"\x00\x05\x16\x07")
    assert glue.read("cola").equals(before)


def test_a_truncated_file_is_named(folder):
    file = folder / "glue/cola/validation-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"validation-00000-of-00001.parquet is cut short, no parquet file"):
        glue.read("cola")


def test_text_that_is_no_utf8_is_named_by_file_and_row(folder):
    said = pa.array([b"fine", b"caf\xe9", b"good"])
    text = pa.Array.from_buffers(pa.string(), 3, said.buffers())
    file = folder / "glue/cola/validation-00001-of-00002.parquet"
    parquet.write_table(pa.table({"sentence": text, "label": [0, 1, 0], "idx": [90, 91, 92]}), file)
    with pytest.raises(ValueError, match=r"validation-00001-of-00002.parquet .* no UTF-8 .*index 1.*; fetch it again"):
        glue.read("cola")


def test_the_file_of_a_bad_row_is_named_where_there_are_several(folder):
    rows("cola", [0, 1, 7]).assign(idx=[90, 91, 92]).to_parquet(folder / "glue/cola/validation-00001-of-00002.parquet")
    with pytest.raises(ValueError, match=r"validation-00001-of-00002.parquet, row 2: 'label' is 7"):
        glue.read("cola")


def test_a_missing_split_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"holds no test-\*.parquet; put the hub's files there"):
        glue.read("cola", "test")
    with pytest.raises(ValueError, match="unknown task 'wnli'"):
        glue.read("wnli")


def test_the_pins_are_commits():
    assert all(len(commit) == 40 and int(commit, 16) for _, commit in downloads.HUB.values())


def test_labels_are_numpy_integers(folder):
    assert all(s.labels.dtype == np.int8 for s in tracks.load("task", track="paper"))
