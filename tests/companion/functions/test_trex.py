"""T-REx files as ParaRel ships them: read whole, or named with file and line."""

import json
import re

import pytest
from paper_files import trex as write
from paper_files import triple

from companion.functions import downloads, tracks, trex


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A local folder with three relations: 250, 200 and 199 different triples."""
    (tmp_path / "trex").mkdir()
    for relation, number in (("P17", 250), ("P36", 200), ("P1376", 199)):
        write(tmp_path / f"trex/{relation}.jsonl", [triple(i) for i in range(number)])
    monkeypatch.setenv("MODULARITY_PAPER", str(tmp_path))
    return tmp_path / "trex"


def test_a_relation_gives_200_true_and_200_false_triples(folder):
    loaded = tracks.load("knowledge", track="paper")
    assert [s.name for s in loaded] == ["P17", "P36"]  # P1376 has too few
    for s in loaded:
        assert len(s.sentences) == 400
        assert s.labels.sum() == 200
        assert len(set(s.sentences)) == 400


def test_false_triples_are_false_and_use_entities_of_the_relation(folder):
    true = {f"City {i} is located in the country Country {i % 40}." for i in range(250)}
    (s,) = [s for s in trex.load() if s.name == "P17"]
    made = dict(zip(s.sentences, s.labels, strict=True))
    assert {text for text, label in made.items() if label} <= true
    false = {text for text, label in made.items() if not label}
    assert not false & true
    heads = {text.split(" is ")[0] for text in false}
    assert heads <= {f"City {i}" for i in range(250)}
    assert {text.rsplit(" ", 1)[1] for text in false} <= {f"{i}." for i in range(40)}


def sentences_of(relation: str) -> list[tuple[str, str, int]]:
    """(head, tail, label) of the relation's sentences."""
    (s,) = [s for s in trex.load() if s.name == relation]
    pattern = re.compile(trex.TEMPLATES[relation].format(head="(.*)", tail="(.*)"))
    return [(*pattern.fullmatch(text).groups(), int(y)) for text, y in zip(s.sentences, s.labels, strict=True)]


def test_false_triples_of_a_symmetric_relation_are_true_in_neither_order(folder):
    known = {(f"C{i}", f"C{(i + d) % 90}") for i in range(90) for d in (1, 2, 3)}
    rows = [{"sub_label": a, "obj_label": b, "uuid": f"{a}-{b}"} for a, b in sorted(known)]
    for relation in ("P530", "P127"):
        write(folder / f"{relation}.jsonl", rows)
        false = [(h, t) for h, t, label in sentences_of(relation) if not label]
        turned = [(t, h) for h, t in false]
        assert len(set(false)) == 200
        assert not set(false) & known
        assert all(head != tail for head, tail in false)
        # In a relation that is not symmetric the other order says something else, and may be false.
        assert bool(set(turned) & known) == (relation == "P127")
        assert bool(set(turned) & set(false)) == (relation == "P127")


def test_a_false_triple_differs_from_a_true_one_in_one_random_entity(folder):
    write(folder / "P17.jsonl", [triple(i, obj_label=f"Country {min(i, 200) if i % 2 else 0}") for i in range(250)])
    triples = sentences_of("P17")
    true, false = ([(h, t) for h, t, label in triples if label == y] for y in (1, 0))
    kept = [(a == c, b == d) for (a, b), (c, d) in zip(true, false, strict=True)]
    assert all(a != b for a, b in kept)
    assert 60 < sum(a for a, _ in kept) < 140
    # Every different tail is as likely, though half of the triples have the same one.
    new = [t for (_, t), (same, _) in zip(false, kept, strict=True) if same]
    assert new.count("Country 0") < 10


def test_the_seed_decides(folder):
    first, again, other = (trex.load(seed=s)[0].sentences for s in (0, 0, 1))
    assert first == again != other


def test_a_triple_under_two_identifiers_counts_once(folder):
    write(folder / "P1376.jsonl", [triple(i) for i in range(199)] + [triple(198, uuid="again")])
    assert [s.name for s in trex.load()] == ["P17", "P36"]


def test_a_smaller_number_of_instances_takes_more_relations(folder):
    assert [len(s.sentences) for s in trex.load(instances=398)] == [398] * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"sub_label": "a"', r"P17.jsonl:2 is not a JSON object .*; fetch the file again"),
        (b"[" * 100_000, r"P17.jsonl:2 is not a JSON object .*recursion.*; fetch the file again"),
        (b'{"uuid": ' + b"1" * 5000 + b"}", r"P17.jsonl:2 is not a JSON object .*digits.*; fetch the file again"),
        (b"[1]", r"P17.jsonl:2 holds a list, expected a JSON object"),
        (json.dumps({"sub_label": "a", "uuid": "x"}).encode(), r"P17.jsonl:2: 'obj_label' is None, expected text"),
        (json.dumps(triple(5, sub_label=" ")).encode(), r"P17.jsonl:2: 'sub_label' is ' ', expected text"),
        (
            rb'{"sub_label": "cut \ud83d", "obj_label": "b", "uuid": "x"}',
            r"P17.jsonl:2: 'sub_label' is .*, expected text",
        ),
        (json.dumps(triple(0)).encode(), r"P17.jsonl:2: uuid 'u0' stands already at .*P17.jsonl:1"),
        ("Zürich".encode("latin-1"), r"P17.jsonl:2 is not UTF-8 .*; save the file as UTF-8"),
    ],
    ids=["cut", "nested", "digits", "list", "field", "blank", "half a character", "duplicate", "encoding"],
)
def test_a_bad_line_is_named(folder, content, message):
    (folder / "P17.jsonl").write_bytes(json.dumps(triple(0)).encode() + b"\n" + content + b"\n")
    with pytest.raises(ValueError, match=message):
        trex.load()


def test_an_unknown_relation_is_named(folder):
    write(folder / "P999.jsonl", [triple(i) for i in range(200)])
    with pytest.raises(ValueError, match=r"P999.jsonl: unknown relation 'P999'; known: P17"):
        trex.load()


def test_a_relation_that_holds_of_all_pairs_is_named(folder):
    write(folder / "P17.jsonl", [triple(i, obj_label="one place") for i in range(200)])
    with pytest.raises(ValueError, match="no false triple found"):
        trex.load()


def test_files_of_windows_and_of_a_mac_are_read(folder):
    before = [s.sentences for s in trex.load()]
    file = folder / "P17.jsonl"
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8-sig")
    (folder / "._P17.jsonl").write_bytes(b"\x00\x05\x16\x07")
    assert [s.sentences for s in trex.load()] == before


def test_an_empty_folder_says_what_to_put_there(folder):
    for file in folder.glob("*"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no P\*.jsonl; put the files of ParaRel"):
        trex.load()


@pytest.mark.parametrize("named", [True, False], ids=["a folder without this part", "no folder"])
def test_without_its_folder_every_relation_is_downloaded(folder, named, monkeypatch):
    kept = folder.rename(folder.with_name("elsewhere"))
    if not named:
        monkeypatch.delenv("MODULARITY_PAPER")
    asked = []

    def download(url, _cache, *, size):
        asked.append(url)
        name = url.rsplit("/", 1)[1]
        assert size == trex.BYTES[name.removesuffix(".jsonl")]
        return kept / (name if (kept / name).is_file() else "P1376.jsonl")

    monkeypatch.setattr(downloads, "download", download)
    trex.load()
    assert len(asked) == len(set(asked)) == 41
    assert all("845c42a218d9d26ae9d2cc9ba2ba780741c4e57e" in url for url in asked)


def test_every_relation_has_a_template():
    assert len(trex.TEMPLATES) == 41
    assert list(trex.TEMPLATES) == list(trex.BYTES)
    assert all(t.count("{head}") == t.count("{tail}") == 1 for t in trex.TEMPLATES.values())
