"""The special tokens that reading needs: padding, and what stands for a hidden word."""

from transformers import PreTrainedTokenizerBase

from modularity.subfunction import SENTINEL


def gap(tokenizer: PreTrainedTokenizerBase) -> str:
    """What stands for a hidden word: BERT's mask, T5's first sentinel."""
    return str(tokenizer.mask_token or SENTINEL)


def padding(tokenizer: PreTrainedTokenizerBase, whose: str) -> int:
    """The id that fills up shorter sentences, which the mask hides: that of padding or, where there is none, as in
    decoders, that of the end; a `ValueError` if there is neither."""
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        return int(tokenizer.eos_token_id)  # type: ignore[arg-type]
    check_padding(tokenizer, whose)
    return int(tokenizer.pad_token_id)  # type: ignore[arg-type]


def check_padding(tokenizer: PreTrainedTokenizerBase, whose: str) -> None:
    """Stop with a `ValueError` if sentences of unequal length cannot be read together."""
    if tokenizer.pad_token_id is None:
        raise ValueError(
            f"the tokenizer of {whose} has no token for padding; name one of its tokens as pad_token, in "
            "tokenizer_config.json or on the tokenizer"
        )


def check_gap(tokenizer: PreTrainedTokenizerBase, whose: str) -> None:
    """Stop with a `ValueError` if a hidden word would be read as anything else than one token of its own."""
    token = gap(tokenizer)
    number = tokenizer.convert_tokens_to_ids(token)
    if number in (None, tokenizer.unk_token_id) or number not in tokenizer(f"a {token} b")["input_ids"]:
        raise ValueError(
            f"the tokenizer of {whose} has no token for a hidden word: it names no mask_token, and reads {token!r} as "
            "text; name its mask token in tokenizer_config.json or on the tokenizer"
        )
