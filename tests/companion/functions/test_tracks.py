"""The shipped sub-functions keep what their page promises; bad ones are named."""

import re

import numpy as np
import pandas as pd
import pytest

from companion.functions import baselines, controls, similarity, sources, tracks
from modularity import subfunction
from modularity.subfunction import SubFunction, find


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_parquet(sources.path("functions/semantic.parquet"))


def test_there_are_100_pairs_of_200_different_nouns():
    loaded = tracks.load("semantic")
    assert len(loaded) == 100
    assert len({noun for s in loaded for noun in s.name.split("/")}) == 200
    for s in loaded:
        assert len(s.sentences) == 200
        assert s.labels.sum() == 100
        assert s.function == "semantic"


def test_every_sentence_hides_one_keyword_and_shows_none(table):
    for row in table.itertuples():
        assert row.sentence.count(tracks.SENTINEL) == 1
        assert not re.search(rf"\b{row.keyword}", row.sentence, re.IGNORECASE)


def test_no_sentence_stands_twice(table):
    assert not table["sentence"].duplicated().any()
    assert len(tracks.evaluation_sentences()) == len(table)


def test_no_pair_is_given_away_by_its_sources(table):
    counts = table.groupby(["name", "label", "part"], observed=True).size().unstack("label", fill_value=0)
    assert (counts[0] == counts[1]).all()


def test_a_sentence_that_is_in_the_corpus_was_hidden_from_it(table):
    keywords = table["keyword"].astype(str)
    original = {s.replace(tracks.SENTINEL, k) for s, k in zip(table["sentence"], keywords, strict=True)}
    assert original == tracks.evaluation_sentences()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("sentences", "labels", "message"),
    [
        ((), [], "sub-function 'x' has no sentences"),
        (("a", ""), [0, 1], "sub-function 'x': sentence 1 is ''"),
        (("a", 3), [0, 1], "sentence 1 is 3"),
        (("a", "b"), [0, 0], "all 2 labels are 0, expected both 0 and 1"),
        (("a", "b"), [0, 2], r"labels contain \[2\]"),
        (("a", "b"), ["0", "1"], "labels contain"),
        (("a", "b"), [0, 1, 1], r"labels have shape \(3,\), expected \(2,\)"),
        (("a", "b"), [0, np.nan], r"labels contain \[nan\]"),
    ],
)
def test_a_bad_subfunction_is_named(sentences, labels, message):
    with pytest.raises(ValueError, match=message):
        SubFunction("x", "semantic", sentences, np.array(labels))


def test_an_unknown_function_track_or_part_is_refused():
    with pytest.raises(
        ValueError, match="unknown function 'syntax'; known: semantic, knowledge, task, balanced, topics"
    ):
        tracks.load("syntax")
    with pytest.raises(ValueError, match="unknown track 'maxi'; known: mini, paper"):
        tracks.load("semantic", track="maxi")
    with pytest.raises(ValueError, match="unknown part 'test'; known: train, validation"):
        tracks.load("task", part="test")
    with pytest.raises(ValueError, match="the semantic function of track 'mini' has no parts; leave out part='train'"):
        tracks.load("semantic", part="train")
    with pytest.raises(ValueError, match="the topics function of track 'mini' has no parts; leave out part='train'"):
        tracks.load("topics", part="train")
    with pytest.raises(ValueError, match="the control 'balanced' is of track 'mini' only; leave out track='paper'"):
        tracks.load("balanced", track="paper")
    with pytest.raises(ValueError, match="there is no mini task 'boolq'; there are cola, mnli"):
        tracks.task_table("boolq")


def test_a_name_finds_its_subfunction_or_close_ones():
    loaded = tracks.load("semantic")
    assert find(loaded, loaded[3].name) is loaded[3]
    with pytest.raises(ValueError, match=rf"'{loaded[3].name}s' among 100; for instance: {loaded[3].name}"):
        find(loaded, loaded[3].name + "s")


# knowledge, in the paper's form and in the balanced one


SYMMETRIC = ("opposite", "same-noun", "same-verb", "same-adjective")


@pytest.fixture(scope="module", params=["knowledge", "balanced"])
def form(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def triples(form) -> pd.DataFrame:
    return tracks.table_of(form)


def pairs_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(head.lower(), tail.lower()) for head, tail in zip(rows["head"], rows["tail"], strict=True)]


def test_27_relations_have_200_true_and_200_false_triples(form, triples):
    loaded = tracks.load(form)
    full = [s for s in loaded if len(s.sentences) == 400]
    assert (len(loaded), len(full)) == (29, 27)
    assert {s.function for s in loaded} == {form}
    assert all(s.labels.sum() * 2 == len(s.sentences) for s in loaded)
    assert (triples.groupby("name", observed=True)["template"].nunique() == 1).all()
    for row in triples.sample(200, random_state=0).itertuples():
        filled = row.template.format(head=row.head, tail=row.tail)
        without_articles = [re.sub(r"\b(an?|the)\b ?", "", text.lower()) for text in (row.sentence, filled)]
        assert without_articles[0] == without_articles[1]


def test_both_forms_have_the_same_true_triples_and_other_false_ones():
    tables = [tracks.table_of(form) for form in ("knowledge", "balanced")]
    true = [table.query("label == 1").reset_index(drop=True) for table in tables]
    pd.testing.assert_frame_equal(*true)
    false = [table.query("label == 0") for table in tables]
    same = set(zip(*(false[0][c].astype(str) for c in ("name", "head", "tail")), strict=True)) & set(
        zip(*(false[1][c].astype(str) for c in ("name", "head", "tail")), strict=True)
    )
    assert len(same) < 0.1 * len(false[0])


def test_the_control_has_names_of_its_own_that_lead_to_the_relation():
    names = [[s.name for s in tracks.load(form)] for form in ("knowledge", "balanced")]
    assert not set(names[0]) & set(names[1])
    assert [tracks.of_relation(s) for s in tracks.load("balanced")] == names[0]
    assert [tracks.of_relation(s) for s in tracks.load("knowledge")] == names[0]


def test_in_the_papers_form_one_entity_of_each_true_triple_is_replaced():
    table = tracks.table_of("knowledge")
    heads = 0
    for _, rows in table.groupby(["name", "part"], observed=True):
        true, false = (rows[rows["label"] == label] for label in (1, 0))
        kept = [true[place].to_numpy() == false[place].to_numpy() for place in ("head", "tail")]
        assert (kept[0] ^ kept[1]).all()
        heads += int(kept[1].sum())
        for place in ("head", "tail"):  # the new one stands in the same place of a true triple of the part
            assert set(false[place]) <= set(true[place])
    assert heads / (len(table) / 2) == pytest.approx(0.5, abs=0.03)


def test_in_the_balanced_form_every_head_and_tail_is_as_often_in_true_as_in_false_triples():
    for (name, part), rows in tracks.table_of("balanced").groupby(["name", "part"], observed=True):
        for place in ("head", "tail"):
            counts = [rows.loc[rows["label"] == label, place].value_counts().to_dict() for label in (0, 1)]
            assert counts[0] == counts[1], (name, part, place)


def test_in_the_balanced_form_length_and_frequency_of_true_and_false_are_equal():
    table = controls.by_label(tracks.load("balanced"))
    table = table.pivot_table(["length", "frequency"], index="subfunction", columns="label")
    assert np.allclose(table["length"][0], table["length"][1])
    # The words are the same, but a sentence's mean weighs them by how many stand beside them.
    assert np.allclose(table["frequency"][0], table["frequency"][1], atol=0.05)


def test_no_entity_stands_in_both_parts_of_its_relation(triples):
    for name, rows in triples.groupby("name", observed=True):
        entities = [
            {e.lower() for place in ("head", "tail") for e in rows.loc[rows["part"] == part, place]}
            for part in ("train", "validation")
        ]
        assert not entities[0] & entities[1], name


def test_no_false_triple_is_a_true_one_and_none_stands_twice(triples):
    for name, rows in triples.groupby("name", observed=True):
        false, true = (pairs_of(rows[rows["label"] == label]) for label in (0, 1))
        either = {(tail, head) for head, tail in true} if name in SYMMETRIC else set()
        assert not set(false) & (set(true) | either), name
        assert len(set(false)) + len(set(true)) == len(rows), name
        assert all(head != tail for head, tail in false), name


def test_in_the_papers_form_no_false_triple_of_a_symmetric_relation_stands_in_both_orders():
    table = tracks.table_of("knowledge").query("label == 0")
    for name in SYMMETRIC:
        pairs = pairs_of(table[table["name"] == name])
        assert len({frozenset(pair) for pair in pairs}) == len(pairs)


def test_parts_of_knowledge_are_halves(form):
    halves = [tracks.load(form, part=part) for part in ("train", "validation")]
    for whole, *parts in zip(tracks.load(form), *halves, strict=True):
        assert sorted(whole.sentences) == sorted([s for p in parts for s in p.sentences])
        assert len(parts[0].sentences) == len(parts[1].sentences)


# one word, two topics


def test_53_nouns_with_two_topics_have_50_to_100_sentences_of_each():
    loaded = tracks.load("topics")
    assert len(loaded) == len({s.name for s in loaded}) == 53
    for s in loaded:
        assert s.function == "topics"
        assert s.sizes in {(n, n) for n in (50, 60, 70, 80, 90, 100)}
        assert len(set(s.sentences)) == len(s.sentences)


def test_every_sentence_shows_its_noun_once():
    table = tracks.table_of("topics").astype(str)
    for noun, sentence in zip(table["keyword"], table["sentence"], strict=True):
        stem = noun[:-1] + "(?:y|ies)" if noun.endswith("y") else f"{noun}(?:e?s)?"
        assert len(re.findall(rf"(?<![^\W\d_]){stem}(?![^\W\d_])", sentence)) == 1, (noun, sentence)


def test_a_sentence_is_of_its_topic_and_no_article_gives_more_than_two():
    table = tracks.table_of("topics").astype({c: str for c in ("name", "keyword", "topic")})
    articles = pd.read_json(sources.path("corpus/wikipedia.jsonl.xz"), lines=True)
    articles = articles.set_index("title")
    for row in table.itertuples():
        article = articles.loc[row.article]
        assert row.sentence in article["text"].split("\n")
        assert article["topic"] == row.topic
        assert row.name.split(": ")[1].split(" / ")[1 - row.label] == row.topic.lower()
    assert table.groupby(["name", "article"]).size().max() <= 2


def test_topics_of_one_noun_share_no_sentence():
    assert not tracks.table_of("topics").duplicated(["keyword", "sentence"]).any()


# task


@pytest.fixture(scope="module")
def instances() -> pd.DataFrame:
    return tracks.table_of("task")


def test_seven_tasks_are_eight_subfunctions():
    names = [s.name for s in tracks.load("task")]
    assert names == ["cola", "mnli-contradiction", "mnli-neutral", "mrpc", "qnli", "qqp", "rte", "sst2"]


def test_labels_are_balanced_and_at_most_1000_of_each_are_evaluated(instances):
    counts = instances.groupby(["task", "part", "label"], observed=True).size().unstack("part")
    assert (counts["validation"] <= 1000).all()
    assert (counts.groupby("task", observed=True).nunique() == 1).all(axis=None)


def test_train_and_validation_share_no_source_and_no_text(instances):
    for task, rows in instances.groupby("task", observed=True):
        parts = {part: r for part, r in rows.groupby("part", observed=True)}
        assert not set(parts["train"]["source"]) & set(parts["validation"]["source"]), task
        pairs = [set(zip(r["text_1"], r["text_2"], strict=True)) for r in parts.values()]
        assert not pairs[0] & pairs[1], task
        assert sum(map(len, pairs)) == len(rows), task


def test_sentences_of_cola_come_in_pairs_from_the_held_out_text(instances):
    cola = instances.query("task == 'cola'")
    assert set(cola.loc[cola["label"] == 1, "text_1"]) <= tracks.evaluation_sentences()
    assert (cola.groupby("source")["label"].agg(sorted).map(tuple) == (0, 1)).all()
    assert set(cola["kind"]) == {"agreement", "order", "determiner", "auxiliary"}


def test_a_task_sentence_is_its_prompt(instances):
    qqp = {s.name: s for s in tracks.load("task")}["qqp"]
    row = instances.query("task == 'qqp' and part == 'validation'").iloc[0]
    assert qqp.sentences[0] == f"qqp question1: {row['text_1']} question2: {row['text_2']}"
    assert qqp.labels[0] == row["label"]


def test_the_training_part_has_other_sentences():
    train, validation = ({s.name: s for s in tracks.load("task", part=p)} for p in ("train", "validation"))
    for name, s in validation.items():
        assert not set(s.sentences) & set(train[name].sentences)
        assert len(train[name].sentences) >= len(s.sentences)


# similarity


def test_similarity_is_symmetric_with_ones_on_the_diagonal():
    names = [s.name for s in tracks.load("semantic")]
    for measure in ("corpus", "wordnet"):
        words = similarity.of_nouns(measure)
        for matrix in (words, similarity.between(names, words)):
            values = matrix.to_numpy()
            assert np.array_equal(values, values.T)
            assert (values.diagonal() == 1).all()
            assert values.min() > -1
            assert values.max() <= 1
    with pytest.raises(ValueError, match="unknown measure 'spacy'; known: corpus, wordnet"):
        similarity.of_nouns("spacy")


def test_two_pairs_are_compared_in_the_better_order():
    words = similarity.of_nouns()
    first, second = [s.name for s in tracks.load("semantic")][3:9:5]
    (a, b), (c, d) = first.split("/"), second.split("/")

    def s(x, y):
        return float(words.sel(word=x, other=y))

    by_hand = max(s(a, c) + s(b, d), s(a, d) + s(b, c)) / 2
    assert float(similarity.between([first, second], words)[0, 1]) == pytest.approx(by_hand)


def test_near_nouns_are_more_alike_than_far_ones():
    words = similarity.of_nouns()
    assert words.sel(word="mother", other="father") > words.sel(word="mother", other="temperature") + 0.3


# baselines


@pytest.mark.parametrize("function", ["knowledge", "balanced", "task"])
def test_no_baseline_solves_a_function(function):
    table = baselines.report(function)
    assert table.drop(columns=["function", "subfunction"]).max(axis=None) < 0.9


def test_baselines_are_computed_once(monkeypatch):
    first = baselines.report("balanced")
    with monkeypatch.context() as patch:
        patch.setattr(baselines, "accuracy", lambda *_: pytest.fail("computed again"))
        pd.testing.assert_frame_equal(baselines.report("balanced"), first)
    monkeypatch.setattr(baselines, "accuracy", lambda *_: 0.25)
    monkeypatch.setattr(baselines, "VERSION", 0)  # another definition, as an older one
    assert (baselines.report("balanced")["words"] == 0.25).all()


def test_all_functions_have_the_sizes_of_the_paper():
    whole = tracks.load_all()
    assert [s.function for s in whole] == ["semantic"] * 100 + ["knowledge"] * 29 + ["task"] * 8
    sizes = {s.name: (int(s.labels.sum()), int((1 - s.labels).sum())) for s in whole}
    assert {sizes[s.name] for s in whole if s.function == "semantic"} == {(100, 100)}
    assert {n: sizes[n] for n in ("capital", "symbol", "group")} == {
        "capital": (200, 200),
        "symbol": (118, 118),
        "group": (90, 90),
    }
    tasks = {s.name: sizes[s.name] for s in whole if s.function == "task"}
    assert tasks.pop("mnli-neutral") == (1000, 2000)
    assert set(tasks.values()) == {(1000, 1000)}


def test_controls_follow_the_functions_where_they_are_asked_for():
    loaded = tracks.load_all(controls=True)
    assert list(dict.fromkeys(s.function for s in loaded)) == ["semantic", "knowledge", "task", *tracks.CONTROLS]
    assert len({s.name for s in loaded}) == len(loaded) == 137 + 29 + 53
    assert len(tracks.load_all(limit=2, controls=True, per_class=3)) == 10


def test_all_functions_are_cut_to_the_first_sentences_of_each_class():
    cut = tracks.load_all(per_class=100)
    assert [s.function for s in cut] == ["semantic"] * 100 + ["knowledge"] * 29 + ["task"] * 8
    assert max(len(s.sentences) for s in cut) == 200
    assert all(abs(s.labels.mean() - 0.5) < 1e-9 for s in cut)
    whole = {s.name: s for s in tracks.load("task")}["cola"]
    first = [x for x, y in zip(whole.sentences, whole.labels, strict=True) if y == 1][:100]
    short = {s.name: s for s in cut}["cola"]
    assert [x for x, y in zip(short.sentences, short.labels, strict=True) if y == 1] == first
    assert len(tracks.load_all(limit=2)) == 6
    with pytest.raises(ValueError, match="per_class is 0"):
        tracks.load_all(per_class=0)


def test_halves_share_no_sentence_and_keep_the_classes_even():
    for all_of_it in tracks.load_all(per_class=9, limit=2):
        first = subfunction.first_half(all_of_it)
        a, b = all_of_it.only(first), all_of_it.only(~first)
        assert (a.labels.sum(), (1 - a.labels).sum()) == (4, 4)
        assert (b.labels.sum(), (1 - b.labels).sum()) == (5, 5)
        assert sorted(a.sentences + b.sentences) == sorted(all_of_it.sentences)
        known = dict(zip(all_of_it.sentences, all_of_it.labels, strict=True))
        assert all(known[s] == y for half in (a, b) for s, y in zip(half.sentences, half.labels, strict=True))
