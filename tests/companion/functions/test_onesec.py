"""OneSeC's format: pairs of senses with enough sentences, and every malformed file named."""

import pytest
from paper_files import onesec as write

from companion.functions import onesec, tracks


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "onesec").mkdir()
    monkeypatch.setenv("MODULARITY_PAPER", str(tmp_path))
    write(
        tmp_path / "onesec",
        {("bank", "b1"): 130, ("bank", "b2"): 100, ("bank", "b3"): 99, ("cat", "c1"): 120, ("dog", "d1"): 5},
    )
    return tmp_path / "onesec"


def test_every_pair_of_senses_with_enough_sentences_is_a_subfunction(folder):
    (s,) = tracks.load("semantic", track="paper")
    assert s.name == "bank.noun b1 b2"
    assert len(s.sentences) == 200
    assert s.labels.sum() == 100
    assert len(set(s.sentences)) == 200
    assert "The bank b2 7 & co" in s.sentences
    assert all(("b1" in text) == bool(label) for text, label in zip(s.sentences, s.labels, strict=True))


def test_three_senses_are_three_pairs(folder):
    assert [s.name for s in onesec.load(sentences=99)] == [f"bank.noun {p}" for p in ("b1 b2", "b1 b3", "b2 b3")]


def test_a_sentence_counts_once_and_not_with_two_senses(folder):
    texts, keys = "", ""
    for number, senses in enumerate([("a", "a"), ("b", "b"), ("a", "b"), ("a",), ("b",)]):
        names = [f"s{number}.t{j}" for j in range(len(senses))]
        words = "".join(f'<instance id="{name}" lemma="rock" pos="NOUN">rock</instance>' for name in names)
        texts += f"<sentence><wf>number{number}</wf>{words}</sentence>"
        keys += "".join(f"{name} rock%{sense}\n" for name, sense in zip(names, senses, strict=True))
    (folder / "onesec.data.xml").write_text(f"<corpus>{texts}</corpus>")
    (folder / "onesec.gold.key.txt").write_text(keys)
    (made,) = onesec.load(sentences=2)
    of_class = [{s[:7] for s, label in zip(made.sentences, made.labels, strict=True) if label == y} for y in (1, 0)]
    assert of_class == [{"number0", "number3"}, {"number1", "number4"}]
    assert onesec.load(sentences=3) == []


def test_files_of_windows_and_of_a_mac_are_read(folder):
    before = onesec.load()[0]
    key = folder / "onesec.gold.key.txt"
    key.write_text(key.read_text(), encoding="utf-8-sig")
    (folder / "._onesec.data.xml").write_bytes(b"\x00\x05\x16\x07")
    assert onesec.load()[0].sentences == before.sentences


def test_each_sentence_has_the_same_chance(folder):
    """Of 130 sentences the last is drawn in about 100 of 130 seeds."""
    drawn = sum("The bank b1 129 & co" in onesec.load(seed=s)[0].sentences for s in range(60))
    assert 60 * 100 / 130 - 4 * 3.3 < drawn < 60 * 100 / 130 + 4 * 3.3  # four standard errors


def test_the_seed_decides(folder):
    first, again, other = (onesec.load(seed=s)[0].sentences for s in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda x, k: (x[:900], k), r"onesec.data.xml:\d+ is not well-formed XML"),
        (lambda x, k: (x.replace(' lemma="bank"', "", 1), k), r"onesec.data.xml:2: an instance has no 'lemma'"),
        (lambda x, k: (x, k.split("\n", 1)[1]), r"onesec.data.xml:2: instance 'b1.0.t0' has no sense"),
        (
            lambda x, k: (x.replace("b1.1.t0", "b1.0.t0"), k),
            r"xml:4: instance 'b1.0.t0' .* or stands twice",
        ),
        (lambda x, k: (x, "b1.0.t0\n" + k), r"gold.key.txt:1: 'b1.0.t0' names no sense"),
        (lambda x, k: (x, k + "b1.0.t0 b1\n"), r"gold.key.txt:455: instance 'b1.0.t0' has a sense already"),
    ],
    ids=["cut", "attribute", "no sense", "instance twice", "no value", "twice"],
)
def test_a_bad_file_is_named(folder, damage, message):
    xml, key = folder / "onesec.data.xml", folder / "onesec.gold.key.txt"
    new_xml, new_key = damage(xml.read_text(), key.read_text())
    xml.write_text(new_xml)
    key.write_text(new_key, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        onesec.load()


NESTED = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))


@pytest.mark.parametrize(
    "declared",
    [f'<!ENTITY e0 "word">{NESTED}', '<!ENTITY e9 SYSTEM "file:///etc/hostname">', '<!ENTITY % e9 "word">'],
    ids=["nested", "of a file", "of a parameter"],
)
def test_entities_are_not_expanded(folder, declared):
    xml = folder / "onesec.data.xml"
    typed = f"<!DOCTYPE corpus [{declared}]>\n<corpus>"
    xml.write_text(xml.read_text().replace("<corpus>", typed, 1).replace("The", "&e9;", 1))
    with pytest.raises(ValueError, match=r"onesec.data.xml:2 declares the entity 'e\d'; remove its <!ENTITY"):
        onesec.load()


@pytest.mark.parametrize("declared", ["", " SYSTEM 'corpus.dtd'", " [<!ELEMENT corpus ANY>]"])
def test_a_document_type_without_entities_is_read_past(folder, declared):
    expected = onesec.load()
    xml = folder / "onesec.data.xml"
    xml.write_text(xml.read_text().replace("<corpus>", f"<!DOCTYPE corpus{declared}><corpus>", 1))
    assert [(s.name, s.sentences) for s in onesec.load()] == [(s.name, s.sentences) for s in expected]


def test_an_entity_of_another_file_is_not_left_out(folder):
    xml = folder / "onesec.data.xml"
    typed = "<!DOCTYPE corpus SYSTEM 'corpus.dtd'><corpus>"
    xml.write_text(xml.read_text().replace("<corpus>", typed, 1).replace("The", "Th&eacute;", 1))
    with pytest.raises(ValueError, match=r"onesec.data.xml:\d+ has the entity &eacute;, which it does not declare"):
        onesec.load()


def test_a_wrong_encoding_is_named(folder):
    key, xml = folder / "onesec.gold.key.txt", folder / "onesec.data.xml"
    whole = key.read_bytes()
    key.write_bytes(b"caf\xe9 x\n" + whole)
    with pytest.raises(ValueError, match=r"gold.key.txt:1 is not UTF-8"):
        onesec.load()
    key.write_bytes(whole)
    xml.write_bytes(xml.read_bytes().replace(b"The", b"Th\xe9", 1))
    with pytest.raises(ValueError, match=r"onesec.data.xml:2 is not well-formed XML"):
        onesec.load()


def test_missing_files_say_what_to_put_where(folder, monkeypatch):
    (folder / "onesec.gold.key.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"belongs beside its \.data\.xml"):
        onesec.load()
    (folder / "onesec.data.xml").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no \*.data.xml: put OneSeC's NAME.data.xml"):
        onesec.load()
    monkeypatch.delenv("MODULARITY_PAPER")
    with pytest.raises(FileNotFoundError, match="OneSeC is not downloaded by this program: put"):
        onesec.load()
    monkeypatch.setenv("MODULARITY_PAPER", str(folder / "nowhere"))
    with pytest.raises(FileNotFoundError, match="which is not a folder; name one, or unset it"):
        onesec.load()
