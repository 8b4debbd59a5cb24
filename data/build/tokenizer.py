"""Build data/tokenizer/: a unigram tokenizer with T5's marks, trained on a quarter of the pre-training text.

Run `python data/build/tokenizer.py` from the repository root, after `semantic.py`. The trainer breaks ties
between equally good pieces in the order of a hash table, so a rebuilt tokenizer may differ in a few of its
4,096 pieces; the shipped one is therefore a fixed input of every pre-training run.
"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

from companion.models import corruption

OUT = Path(__file__).parents[1] / "tokenizer"
PIECES, SENTINELS = 4096, 100


def train_tokenizer(sentences: Sequence[str], vocab: int) -> PreTrainedTokenizerFast:
    """A unigram tokenizer of `vocab` pieces and 100 sentinels, with the marks of T5 (pad 0, end 1, unknown 2)."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.NFKC()  # type: ignore[assignment]
    # Only the start of a text gets a word mark, so that a sentinel may stand for a word or for a part of one.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")  # type: ignore[assignment]
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")  # type: ignore[assignment]
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=True
    )
    tokenizer.train_from_iterator(sentences, trainer, length=len(sentences))
    end = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", corruption.EOS)])
    tokenizer.post_processor = end  # type: ignore[assignment]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=[AddedToken(f"<extra_id_{i}>", lstrip=True) for i in range(SENTINELS)],
        model_max_length=512,
    )


def main() -> None:
    sentences = [s for document in corruption.documents() for s in document][::4]
    made = train_tokenizer(sentences, PIECES)
    made.save_pretrained(OUT)
    made.backend_tokenizer.save(str(OUT / "tokenizer.json"), pretty=False)  # half the size without the blanks
    print(f"{OUT}: {PIECES} pieces from {len(sentences)} sentences")


if __name__ == "__main__":
    main()
