"""Every key of the intent has a place in the reference, and refuses by name what it cannot take."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import ValidationError

from overlay.intent import Fabric
from tests.overlay.test_unused import FABRICS, IN_NO_INTENT, ROOT, keys_of, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# No key takes it: a list of what no section knows.
NONSENSE = [{"nonsense": [0.5]}]
# What reads the text of a file puts it in the place of its name before the intent is checked.
FROM_FILES = re.compile(r"^(frr|interfaces)_extra(_file)?$")


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each key of an intent stands, names of nodes and numbers in lists among the keys."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*place, key)
        if isinstance(part, dict | list):
            yield from places_in(part, (*place, key))


def leads_through(where: tuple[Any, ...], place: tuple[Any, ...]) -> bool:
    """Whether an error names all keys of a place; of a choice pydantic names its parts as well.

    Of a list of names the error may be the list's.
    """
    parts = iter(where)
    return all(key in parts for key in (place[:-1] if isinstance(place[-1], int) else place))


@pytest.mark.parametrize("path", FABRICS, ids=names)
def test_each_key_refuses_by_its_place_what_it_cannot_take(path: Path) -> None:
    written = yaml.safe_load(path.read_text())
    for place in places_in(written):
        if FROM_FILES.match(str(place[-1])):
            continue
        changed = copy.deepcopy(written)
        section = changed
        for key in place[:-1]:
            section = section[key]
        section[place[-1]] = NONSENSE
        with pytest.raises(ValidationError) as refused:
            Fabric.model_validate(changed)
        where = [error["loc"] for error in refused.value.errors()]
        assert any(leads_through(it, place) for it in where), (place, where)


def test_each_key_stands_in_the_reference() -> None:
    reference = (ROOT / "docs" / "inventory.md").read_text()
    missing = {
        key for key in keys_of(Fabric) if not re.search(rf"\b{key.partition('.')[2]}\b", reference)
    }
    assert missing - IN_NO_INTENT == set()
