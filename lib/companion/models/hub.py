"""Models of the hub: each at one commit, as safetensors only; and their shapes, for copies that need no network."""

from http import HTTPStatus
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from transformers import BertConfig, PreTrainedConfig, RobertaConfig, SwitchTransformersConfig, T5Config

from companion.functions import downloads
from companion.models.names import AT_COMMIT, PINNED

PROPOSALS = {"google/switch-base-16": "refs/pr/5"}
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "model*.safetensors*")
# The paper's two shapes and BERT's, so that an untrained copy needs no network.
SHAPES: dict[str, PreTrainedConfig] = {
    "google-t5/t5-base": T5Config(d_model=768, d_ff=3072, num_layers=12, num_heads=12, decoder_start_token_id=0),  # type: ignore[call-arg]
    "google/switch-base-16": SwitchTransformersConfig(
        d_ff=3072,
        num_experts=16,
        num_sparse_encoder_layers=6,
        num_sparse_decoder_layers=6,
        decoder_start_token_id=0,  # type: ignore[call-arg]
    ),
    "google-bert/bert-base-uncased": BertConfig(),
    "FacebookAI/roberta-base": RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1),
}


def folder(name: str) -> Path | None:
    """Where the files of the hub model `name` are once fetched; None if it names no model of the hub.

    Parameters
    ----------
    name : a model pinned here, or ``owner/name@commit`` with 40 hex digits for any other.

    Raises
    ------
    ConnectionError
        The model is not on this machine and cannot be fetched.
    PermissionError
        The hub wants the terms of a gated model to be accepted, or refuses the token that it is given.
    ValueError
        The hub has no such model or commit, or gives another commit than the pinned one.
    """
    if name in PINNED:
        return _fetched(name, _revision(name), PINNED[name])
    if commit := AT_COMMIT.fullmatch(name):
        return _fetched(commit[1], commit[2], commit[2])
    return None


def cached(name: str) -> Path | None:
    """Where the files of a model pinned here are; None if they were never fetched to this machine."""
    try:
        folder = huggingface_hub.snapshot_download(
            name, revision=_revision(name), allow_patterns=list(FILES), local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    return Path(folder)


def _revision(name: str) -> str:
    """By which a pinned model is asked for: its commit, or a proposal until the commit it is known by was fetched.

    Then the proposal may move on, and its name need not be in the cache.
    """
    if name not in PROPOSALS:
        return PINNED[name]
    cache = Path(huggingface_hub.constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    fetched = sorted(path.name for path in (cache / "snapshots").glob(f"{PINNED[name]}*"))
    return fetched[0] if fetched else PROPOSALS[name]


def _fetched(repository: str, revision: str, commit: str) -> Path:
    try:
        folder = Path(huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=list(FILES)))
    except GatedRepoError as error:
        page = f"{huggingface_hub.constants.ENDPOINT}/{repository}"
        raise PermissionError(
            f"{repository} is gated: accept its terms at {page} and name your token with `hf auth login` or HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise ValueError(
            f"the hub has no model {repository!r}, or it is private; correct the name, or name a token that may read it"
        ) from error
    except RevisionNotFoundError as error:
        raise ValueError(f"the hub has no commit {revision} of {repository}; it may have been deleted") from error
    except (LocalEntryNotFoundError, downloads.transport_error(), OSError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code == HTTPStatus.UNAUTHORIZED:
            raise PermissionError(
                f"the hub refuses the token that it is given for {repository}: renew it with `hf auth login`, or unset "
                "HF_TOKEN if the model is public"
            ) from error
        raise ConnectionError(
            f"{repository} is not on this machine and cannot be fetched "
            f"({type(error).__name__}: {' '.join(str(error).split())}); "
            "connect to the network, give the path of a folder that holds it, or ask for untrained=True"
        ) from error
    if not folder.name.startswith(commit):  # a snapshot's folder is named by its commit
        raise ValueError(f"{repository} at {revision} is commit {folder.name}, expected {commit}; the hub changed it")
    return folder
