"""Every version's peculiarities, as data: see case_files.py."""

from __future__ import annotations

import json

import pytest

import parsers
from tests.parsers.case_files import ALL, FOLDER, outcome, read


@pytest.mark.parametrize("case", ALL)
def test_case(case):
    expected = (FOLDER / case).with_suffix(".json")
    assert outcome(case) == json.loads(expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [case for case in ALL if "/error-" in case])
def test_an_error_says_what_to_do_and_keeps_what_was_read(case):
    with pytest.raises(parsers.UnaccountedError) as caught:
        parsers.parse(case.partition("/")[0], read(case))
    assert caught.value.hint
    assert "\n" not in caught.value.what
    assert isinstance(caught.value.partial, tuple)
    text = read(case)
    assert all(line in text for line in caught.value.lines)


def test_cases_named_error_are_errors_and_no_others():
    failing = {case for case in ALL if "error" in outcome(case)}
    assert failing == {case for case in ALL if "/error-" in case}
