"""The small JSON files of a model folder, each read with an error that names it, and kept from naming anything else."""

import json
import re
from pathlib import Path

INDEX = "model.safetensors.index.json"
# What config.json may ask for beyond a shape: code of the hub in place of the library's. It is left out.
CODE = ("auto_map", "attn_implementation", "_attn_implementation", "experts_implementation", "custom_pipelines")
QUANTISED = ("quantization_config", "compression_config")
MOST = {"layer": 1000, "expert": 10_000}  # of a model; each is built, if only empty, before weights are looked at
COUNTED = re.compile(r"n(?:um)?_(?:\w+_)?(layer|expert)s?")


def read(file: Path) -> dict[str, object]:
    """The object that a JSON file holds.

    Raises
    ------
    ValueError
        It is not UTF-8 or no JSON, or holds something else than an object.
    """
    restore = "restore it from where it came from"
    try:
        values = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON: {error}; {restore}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{file} holds a {type(values).__name__}, expected an object; {restore}")
    return values


def shape(file: Path) -> dict[str, object]:
    """What a ``config.json`` says of a model's shape, without what would run code of the hub.

    Raises
    ------
    ValueError
        As `read`; the weights are quantised, or there are more layers or experts than `MOST`.
    """
    values = read(file)
    if asked := [key for key in QUANTISED if values.get(key)]:
        raise ValueError(f"{file} has {asked[0]!r}: give the model's plain weights, quantised ones are not read")
    for key, value in values.items():
        if (what := COUNTED.fullmatch(key)) and isinstance(value, int) and value > (most := MOST[what[1]]):
            raise ValueError(f"{file} has {value:,} for {key!r}, expected at most {most:,}; restore it from its source")
    return {key: value for key, value in values.items() if key not in CODE}


def shards(folder: Path) -> None:
    """Stop if the list of weight files of a folder names one that is not in it.

    Raises
    ------
    ValueError
        It names a path, or is not such a list.
    FileNotFoundError
        A file that it names is missing.
    """
    if not (index := folder / INDEX).is_file():
        return
    named = read(index).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise ValueError(f"{index} has no 'weight_map' of weights to files; restore it from where it came from")
    for name in dict.fromkeys(map(str, named.values())):
        if name != Path(name).name or "\\" in name:
            raise ValueError(f"{index} names {name!r}, which is not a file beside it; only such files are read")
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{index} names {name!r}, which is missing; put all files of the model into {folder}"
            )
