"""Cutting out secrets: a text is searched only where a part of a word that begins one is in it."""

from __future__ import annotations

import pytest

from overlay.redaction import REDACTED, redact

WORDS = (
    *("password", "passwd", "passphrase", "secret", "psk", "key-string", "md5-key"),
    *("message-digest-key", "authentication-key", "wireless-key", "authentication string"),
)


@pytest.mark.parametrize("word", WORDS)
def test_what_follows_each_word_is_cut_out_however_it_is_written(word: str) -> None:
    for written in (word, word.upper(), word.title(), word.replace("s", "\u017f")):
        text = f"a line\n neighbor 10.0.0.1 {written} 7 hunter2\nanother\n"
        assert redact(text) == f"a line\n neighbor 10.0.0.1 {written} {REDACTED}\nanother\n"


def test_a_kelvin_sign_is_a_k_to_the_expression_and_to_the_look_before_it() -> None:
    assert redact("p\u017f\u212a hunter2") == f"p\u017f\u212a {REDACTED}"


def test_a_text_without_a_secret_is_as_it_was() -> None:
    text = "02:00:00:00:00:01 dev vxlan1000 dst 10.0.0.1 self extern_learn\n" * 3
    assert redact(text) == text
