"""A YAML file made into a model; each violation becomes a problem with its line and a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from overlay.problems import Problems, nearest

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from overlay.problems import KeyPath
    from overlay.yamlfile import YamlFile

Model = TypeVar("Model", bound=BaseModel)


def validated(
    file: YamlFile, model: type[Model], problems: Problems, *, begin: str
) -> Model | None:
    """The file's content as `model`, or None when problems were added; `begin` names its keys."""
    if not isinstance(file.data, dict):
        problems.add(file, (), "it is not a mapping", f"start it with {begin}")
        return None
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        # A key that may be of several kinds fails as each: the last one is the most particular.
        found = {_key(file.data, detail): detail for detail in error.errors(include_url=False)}
        within = {key[:length] for key in found for length in range(len(key))}
        for key, detail in found.items():
            if key not in within:  # else the kind that was meant fails further within
                _add_problem(file, model, key, detail, problems)
        return None


def _key(data: object, detail: ErrorDetails) -> KeyPath:
    """Where in the file a violation is: pydantic's path without the kinds that a key may be of."""
    *parts, last = (part for part in detail["loc"] if part != "[key]")
    key: list[str | int] = []
    for part in parts:
        if isinstance(part, int) or (isinstance(data, dict) and part in data):
            data = data[part]  # type: ignore[index] # an index is one of a list
            key.append(part)
    absent = detail["type"] == "missing"
    if absent or isinstance(last, int) or (isinstance(data, dict) and last in data):
        key.append(last)
    return tuple(key)


def _add_problem(
    file: YamlFile, top: type[BaseModel], key: KeyPath, detail: ErrorDetails, problems: Problems
) -> None:
    if detail["type"] == "extra_forbidden":
        known = sorted(_known_keys(top, key[:-1]))
        word = str(key[-1])
        close = nearest(word, known)
        hint = f"did you mean `{close}`? " if close else ""
        problems.add(file, key, f"unknown key `{word}`", f"{hint}known here: {', '.join(known)}")
    elif detail["type"] == "missing":
        problems.add(file, key, "this key is missing", f"add `{key[-1]}:`, see docs/inventory.md")
    else:
        reason = detail["msg"].removeprefix("Value error, ")
        given = detail["input"]
        shown = f" (found {given!r})" if isinstance(given, str | int | float | None) else ""
        if "password" in key:  # somebody may have written it here
            shown = ""
        if repr(given) in reason:
            shown = ""
        problems.add(file, key, reason + shown, "correct this value, see docs/inventory.md")


def _known_keys(top: type[BaseModel], path: KeyPath) -> set[str]:
    """The keys that the model at `path` knows; walks the annotations as the path does."""
    model: type[BaseModel] | None = top
    within_many = False  # behind a list or a mapping of models comes an index or a name
    for part in path:
        if within_many:
            within_many = False
            continue
        field = _fields(model).get(str(part)) if model else None
        model = _inner_model(field.annotation) if field else None
        within_many = field is not None and get_origin(field.annotation) in (tuple, dict)
    return set(_fields(model)) if model else set()


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By the key that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    # Of `tuple[Network, ...]`, `dict[str, Vrf]` or `Bgp | None`, the model within.
    waiting = [annotation]
    while waiting:
        candidate = waiting.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        waiting.extend(getattr(candidate, "__args__", ()))
    return None
