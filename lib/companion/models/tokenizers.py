"""Tokenizers of model folders as their files define them, with the special tokens that reading needs."""

import inspect
from pathlib import Path

from tokenizers import Tokenizer
from transformers import BertTokenizer, PreTrainedTokenizerFast, RobertaTokenizer, T5Tokenizer

from modularity.tokens import check_gap, check_padding, gap, padding

FILE = "tokenizer.json"
CLASSES = {  # model type → the library's tokenizer class
    "bert": BertTokenizer,
    "roberta": RobertaTokenizer,
    "switch_transformers": T5Tokenizer,
    "t5": T5Tokenizer,
}


def read(folder: Path, kind: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a model folder: token ids exactly as ``tokenizer.json`` gives them.

    A special token that the folder's files do not name is that of the tokenizer class of this type of model, if the
    vocabulary has it. The class itself is not used: it builds the tokenizer anew from the vocabulary and leaves out
    what the file says of normalisation and splitting, so that `BertTokenizer` lower-cases a cased model's text.
    Nothing is looked up on the network, and no code of the folder is run.

    Parameters
    ----------
    kind : the model type of ``config.json``, of which those in `CLASSES` have all tokens that this book needs.

    Raises
    ------
    FileNotFoundError
        The folder has no ``tokenizer.json``.
    ValueError
        A file of it is damaged; there is no token for padding or for a hidden word, or only in name: it is not in the
        vocabulary.
    """
    if not (folder / FILE).is_file():
        raise FileNotFoundError(f"the model folder {folder} has no {FILE}; save the tokenizer beside the model")
    try:
        made = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        vocabulary = Tokenizer.from_file(str(folder / FILE)).get_vocab()
    except Exception as error:  # a changed file can raise anything, in json, tokenizers and transformers
        raise ValueError(
            f"the tokenizer in {folder} does not load ({type(error).__name__}: {' '.join(str(error).split())}): {FILE} "
            "or a file beside it is damaged; restore it from where it came from"
        ) from error
    known = {str(token): token for token in made.added_tokens_decoder.values()}  # with how they treat spaces
    for role, token in special_tokens(kind).items():
        if getattr(made, role) is None and token in vocabulary:
            made.add_special_tokens({role: known.get(token, token)})
    whose = f"the model folder {folder}"
    if kind not in CLASSES:  # other families do without what no sentence asks for
        padding(made, whose)
        return made
    check_padding(made, whose)
    check_gap(made, whose)
    for token in (made.pad_token, gap(made)):
        if token not in vocabulary:  # it has been added, with an id whose embedding was never trained
            raise ValueError(f"{whose} names the special token {token!r}, which is not in the vocabulary of its {FILE}")
    return made


def special_tokens(kind: str) -> dict[str, str]:
    """Role → token, as the library's tokenizer class of this type has them; none of a type not in `CLASSES`."""
    if kind not in CLASSES:
        return {}
    parameters = inspect.signature(CLASSES[kind].__init__).parameters
    return {name: p.default for name, p in parameters.items() if name.endswith("_token")}
