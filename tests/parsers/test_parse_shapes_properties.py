"""Whatever a host prints in the place of JSON: records or the parse error, and nothing else."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overlay.errors import ParseError
from parsers.readers import READERS
from tests.parsers.shapes import DRIFTED, PARSED, READ, RECORDED_JSON
from tests.tries import tries

JSON_SLUGS = sorted(
    READERS.keys()
    - {"running_config", "sysctl", "probe", "tc_filter", "ipsec_policies", "bridge_vlans"}
)
# Where FRR before 10.0 says nothing at all, or nobody has a rule, that is no cut-off text.
MAY_BE_EMPTY = {"evpn_vni", "evpn_duplicate_macs", "evpn_duplicate_addresses", "packet_filters"}
RECORDED = sorted(
    path
    for folder in (PARSED, RECORDED_JSON, DRIFTED)
    for path in folder.glob("*/*.json")
    if path.stem in JSON_SLUGS
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def _attempt(slug, text):
    """What the reader makes of a text, or None when it refuses it."""
    try:
        return READERS[slug].read(text)
    except ParseError as error:
        refusal = error
    assert refusal.what
    assert refusal.hint
    assert "\n" not in refusal.what
    return None


@pytest.mark.parametrize("slug", sorted(READERS))
@settings(max_examples=tries(60), deadline=None)
@given(value=VALUES)
def test_any_json_is_read_or_refused(slug, value):
    _attempt(slug, json.dumps(value))


@pytest.mark.parametrize("slug", sorted(READERS))
@settings(max_examples=tries(60), deadline=None)
@given(text=st.text(max_size=60) | st.sampled_from(["[" * 99999, "{}" * 3, "NaN", "\ufeff{}"]))
def test_any_text_is_read_or_refused(slug, text):
    _attempt(slug, text)


def _places(value, place=()):
    """Every place in a document, the document itself among them."""
    yield place
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _places(inner, (*place, key))


def _changed(document, place, change):
    """The document with `change` done at one place: to its container and its key."""
    box = [copy.deepcopy(document)]
    target = box
    path = (0, *place)
    for key in path[:-1]:
        target = target[key]
    change(target, path[-1])
    return box[0] if box else ""


@pytest.mark.parametrize("slug", JSON_SLUGS)
@settings(max_examples=tries(150), deadline=None)
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused(slug, data):
    documents = [document for (name, _), (document, _) in READ.items() if name == slug]
    document = data.draw(st.sampled_from([one for one in documents if not isinstance(one, str)]))
    place = data.draw(st.sampled_from(list(_places(document))))
    value = data.draw(VALUES)
    replaced = _changed(document, place, lambda target, key: target.__setitem__(key, value))
    _attempt(slug, json.dumps(replaced))
    _attempt(slug, json.dumps(_changed(document, place, lambda target, key: target.pop(key))))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_recording_is_read_and_never_half_of_it(path):
    text = path.read_text(encoding="utf-8")
    found = READERS[path.stem].read(text)
    assert len(found) == len(_entries(path.stem, json.loads(text)))
    # Half a document is none. Every cut would take minutes, and says no more than these.
    for end in range(0, len(text.rstrip()), max(1, len(text) // 97)):
        cut = _attempt(path.stem, text[:end])
        assert cut is None or (path.stem in MAY_BE_EMPTY and not text[:end].strip())


def _entries(slug, document):
    """What stands in a document, however FRR arranges it."""
    if slug == "evpn_summary":
        return document["peers"]
    if slug == "ospf_neighbors":
        return [entry for entries in document["neighbors"].values() for entry in entries]
    if slug in {"isis_neighbors", "openfabric_neighbors"}:
        circuits = [circuit for area in document["areas"] for circuit in area["circuits"]]
        return [circuit for circuit in circuits if "adj" in circuit]
    if slug == "evpn_duplicate_macs":
        return [mac for vni in document.values() for mac in vni.get("macs", {})]
    if slug == "evpn_duplicate_addresses":
        return [name for vni in document.values() for name in vni.keys() - {"numArpNd"}]
    if slug in {"nat", "packet_filters"}:
        return [entry for entry in document["nftables"] if "chain" in entry]
    return document


def test_the_recordings_are_of_every_kind():
    assert {path.stem for path in RECORDED} == set(JSON_SLUGS)
