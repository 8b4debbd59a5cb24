"""The name of a model: one digest of everything in memory that decides its activations."""

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from modularity import tokens

# Whose code has a version: the key of what is stored names it. Other code may change without anyone noticing.
VERSIONED = frozenset({"torch", "transformers", *sys.stdlib_module_names}) - {"__main__"}
RECORDERS = "transformers.utils.output_capturing"  # hooks that the library leaves on models, which only record
INTERNAL = frozenset(vars(nn.Module()))
# What forward passes do not read, or set while they run.
IGNORED = frozenset({"all_tied_weights_keys", "generation_config", "input_dtype", "name_or_path"})
OF_FILES = frozenset({"_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"})
OF_TOKENIZER = ("model_max_length", "padding_side", "split_special_tokens", "truncation_side")
HOOKS = ("_forward_pre_hooks", "_forward_hooks")


class UnnamedError(ValueError):
    """The state of a model cannot be told by a digest."""


def fingerprint(module: nn.Module, tokenizer: PreTrainedTokenizerBase) -> str:
    """A sha256 that differs wherever activations, or answers, of two models can differ.

    It covers each parameter and buffer (name, type, shape, bytes), the class and settings of each submodule, the
    configuration, and the tokenizer; not the device, nor where the files were.

    Raises
    ------
    UnnamedError
        Something decides the activations that has no content to take a digest of: hooks, parametrizations, training
        mode, autocast, or code that is not the libraries' own.
    """
    sha = hashlib.sha256()
    for line in (*_settings(module), *_tensors(module), *_tokenizer(tokenizer)):
        sha.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return sha.hexdigest()


def weights(module: nn.Module) -> str:
    """A sha256 of the parameters and buffers alone, which stays the same under another version of the libraries."""
    sha = hashlib.sha256()
    for line in _tensors(module):
        sha.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return sha.hexdigest()


def _settings(module: nn.Module) -> Iterator[list[object]]:
    """The class and the attributes of each submodule: what the configuration said when it was built, or since."""
    if any(torch.is_autocast_enabled(device) for device in ("cpu", "cuda")):
        raise UnnamedError("autocast is on, which changes the type that activations are computed in")
    if any(getattr(nn.modules.module, f"_global{hooks}") for hooks in HOOKS):
        raise UnnamedError("hooks are registered on all modules")
    classes = dict[type, str]()
    configs = dict[int, object]()
    for name, part in module.named_modules(remove_duplicate=False):
        where = f"the submodule {name or 'at the top'}"
        if part.training:
            raise UnnamedError(f"{where} is in training mode, in which dropout is random; call eval()")
        for hook in (hook for hooks in HOOKS for hook in getattr(part, hooks).values()):
            if _module(hook) != RECORDERS:
                raise UnnamedError(f"{where} has hooks; a perturbation has no name")
        if hasattr(part, "parametrizations"):
            raise UnnamedError(f"{where} has parametrizations, which compute its weights")
        if type(part) not in classes:
            classes[type(part)] = _class(type(part), where)
        found: dict[str, object] = {}
        for attribute, value in vars(part).items():
            if attribute in INTERNAL | IGNORED:
                continue
            if isinstance(value, PreTrainedConfig):
                found[attribute] = configs.setdefault(id(value), _config(value))
                continue
            described = _value(value, f"{where} has an attribute {attribute}")
            # Other data under a private name is the library's bookkeeping, as how to spread a model over machines.
            if not attribute.startswith("_") or callable(value) or isinstance(value, torch.Tensor):
                found[attribute] = described
        yield [name, classes[type(part)], found]


def _config(config: PreTrainedConfig) -> object:
    values = {key: value for key, value in config.to_dict().items() if key not in OF_FILES}
    return _value([values, config._attn_implementation], "the configuration has a value")


def _class(cls: type, where: str) -> str:
    """Its name, if it and each of its methods are the libraries' own."""
    for parent in cls.__mro__:
        methods = [value for value in vars(parent).values() if isinstance(value, FunctionType)]
        if foreign := [part for part in (parent, *methods) if not _is_versioned(part)]:
            what = f"{_module(foreign[0])}.{foreign[0].__qualname__}"
            raise UnnamedError(
                f"{where} is a {cls.__name__} with code that is neither torch's nor transformers': {what}"
            )
    return f"{cls.__module__}.{cls.__qualname__}"


def _module(code: object) -> str:
    """Where a class or function was written; decorators hand on the name of what they wrap, but not its globals."""
    code = getattr(code, "__func__", code)
    return str(getattr(code, "__globals__", {}).get("__name__") or getattr(code, "__module__", None))


def _is_versioned(code: object) -> bool:
    """Whether it, and all that it wraps, is the libraries' own."""
    while _module(code).split(".")[0] in VERSIONED:
        if (wrapped := getattr(code, "__wrapped__", None)) is None:
            return True
        code = wrapped
    return False


def _value(value: object, where: str) -> object:
    """As plain data."""
    if value is None or isinstance(value, bool | int | float | str):
        return [type(value).__name__, repr(value)]
    if isinstance(value, torch.dtype | torch.Size):
        return repr(value)
    if isinstance(value, torch.Tensor):
        return _tensor(value, where)
    if isinstance(value, Mapping):
        return {str(key): _value(part, where) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_value(part, where) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_value(part, where)) for part in value)
    if callable(value):
        return _callable(value, where)
    raise UnnamedError(f"{where} of type {type(value).__name__}, which has no digest")


def _callable(value: Callable[..., Any], where: str) -> object:
    if isinstance(value, functools.partial):
        return [_callable(value.func, where), _value([value.args, value.keywords], where)]
    owner = getattr(value, "__self__", None)
    weights = isinstance(owner, nn.Module) and any(True for _ in owner.parameters())
    if not _is_versioned(value) or not hasattr(value, "__qualname__") or weights:
        raise UnnamedError(f"{where}, {value!r}, which is not a function of torch or transformers")
    return f"{value.__module__}.{value.__qualname__}"


def _tensors(module: nn.Module) -> Iterator[list[object]]:
    """Parameters and buffers, also those that are not saved."""
    known = dict[int, object]()  # tied weights are read once
    for named in (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)):
        for name, tensor in named:
            if id(tensor) not in known:
                known[id(tensor)] = _tensor(tensor, f"the tensor {name}")
            yield [name, known[id(tensor)]]


def _tensor(tensor: torch.Tensor, where: str) -> object:
    if type(tensor) not in (torch.Tensor, nn.Parameter) or tensor.layout != torch.strided or tensor.is_meta:
        raise UnnamedError(f"{where} is a {type(tensor).__name__} without plain content")
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return [repr(tensor.dtype), list(tensor.shape), hashlib.sha256(content.data).hexdigest()]


def _tokenizer(tokenizer: PreTrainedTokenizerBase) -> Iterator[list[object]]:
    where = f"the tokenizer, a {type(tokenizer).__name__},"
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UnnamedError(f"{where} has no serialised form")
    yield ["tokenizer", _class(type(tokenizer), where)]
    if foreign := [name for name, value in vars(tokenizer).items() if callable(value)]:
        raise UnnamedError(f"{where} has a {foreign[0]} of its own")
    try:
        state = json.loads(tokenizer.backend_tokenizer.to_str())
    except Exception as error:  # nothing narrower is raised for a part that is written in Python
        raise UnnamedError(f"{where} has no serialised form: {error}") from error
    if (state["model"] or {}).get("dropout"):
        raise UnnamedError(f"{where} draws its pieces at random (BPE dropout)")
    # Each call sets these two anew, by the settings below and by its options.
    yield [{key: value for key, value in state.items() if key not in ("truncation", "padding")}]
    yield [_value([getattr(tokenizer, name) for name in OF_TOKENIZER], where)]
    yield [{role: str(token) for role, token in tokenizer.special_tokens_map.items()}, tokens.gap(tokenizer)]
