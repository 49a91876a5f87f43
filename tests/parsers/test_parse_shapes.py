"""Outputs of a declared shape: what each release prints is read, and others are refused."""

from __future__ import annotations

import json
from typing import get_type_hints

import pytest

from overlay import host_records, records, vlan_records
from overlay.errors import ParseError
from overlay.records import HostState
from parsers.readers import READERS
from tests.parsers.shapes import READ
from tests.parsers.wrong_shapes import REFUSED


def _text(document: object) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@pytest.mark.parametrize(("slug", "what"), READ)
def test_read(slug, what):
    document, wanted = READ[slug, what]
    found = READERS[slug].read(_text(document))
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(("slug", "what"), REFUSED)
def test_refused(slug, what):
    document, complaint = REFUSED[slug, what]
    with pytest.raises(ParseError) as caught:
        READERS[slug].read(_text(document))
    assert caught.value.what == complaint
    assert caught.value.hint
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("slug", READERS)
def test_a_reader_returns_what_its_plane_holds(slug):
    reader = READERS[slug]
    names = vars(records) | vars(host_records) | vars(vlan_records)
    planes = get_type_hints(HostState, globalns=names)
    assert get_type_hints(reader.read, globalns=names)["return"] | None == (planes[reader.plane])


def test_no_plane_is_read_twice():
    # One protocol routes a node's underlay: of three outputs it is asked for one.
    planes = [reader.plane for reader in READERS.values() if reader.plane != "adjacencies"]
    assert len(set(planes)) == len(planes) == len(READERS) - 3


def test_each_reader_is_tried_both_ways():
    assert {slug for slug, _ in READ} == READERS.keys() - {"running_config"}
    assert {slug for slug, _ in REFUSED} == READERS.keys()
