"""No text makes the screen fail, go astray or slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context.screening import find_secrets, redact, screen
from agent_context.screening.decoding import Page, decode
from agent_context.screening.providers import ANYWHERE, AROUND, PREFIXED

SMALL, LARGE, GROWTH = 2_000, 5_000, 8
SLOWEST = 4
MOST_PER_KB = 0.05  # seconds of CPU; a note takes a thousandth of it
LITERALS = sorted(
    {
        *(prefix for prefixes, _ in PREFIXED.values() for prefix in prefixes.split()),
        *(literal for literals, _, _ in (AROUND | ANYWHERE).values() for literal in literals.split("|")),
        *("password", "token: ", "secret is ", "key=", "authorization: ", "cookie: a=", "bearer ", "--token "),
        *(
            "\\",
            "\\n",
            "\\u0041",
            "%41",
            "\u200b",
            "\x1b[",
            "\\u001b[0",
            '{"data": "',
            "[redacted:",
            "machine a login b ",
        ),
    }
)
FILL = ("", "A1b", "+")
PIECES = st.lists(
    st.one_of(
        st.sampled_from(LITERALS),
        st.text(max_size=12),
        st.text(alphabet="abAB01+/=_-. \n\"'\\%{}:", min_size=1, max_size=60),
        st.binary(max_size=40).map(lambda data: data.decode("latin-1")),
    ),
    max_size=16,
).map("".join)


def seconds(unit: str, size: int) -> float:
    start = time.process_time()
    find_secrets((unit * size)[:size])
    return time.process_time() - start


@pytest.mark.real
@pytest.mark.parametrize("fill", FILL)
def test_time_grows_no_faster_than_the_text(fill: str) -> None:
    taken = {literal + fill: seconds(literal + fill, SMALL) for literal in LITERALS}
    slowest = sorted(taken, key=lambda unit: taken[unit])[-SLOWEST:]
    assert {unit for unit in taken if taken[unit] > MOST_PER_KB * SMALL / 1000} == set()
    for unit in slowest:
        short, long = (min(seconds(unit, size) for _ in range(3)) for size in (LARGE, GROWTH * LARGE))
        assert long < 3 * GROWTH * short, unit  # what grows with the square takes 8 times as much again


@given(PIECES)
@settings(max_examples=150, deadline=None)
def test_spans_lie_in_the_text_and_apart(text: str) -> None:
    end = 0
    for hit in find_secrets(text):
        assert end <= hit.start < hit.end <= len(text)
        end = hit.end


@given(PIECES)
@settings(max_examples=100, deadline=None)
def test_page_and_view_keep_their_positions(text: str) -> None:
    page = Page(text)
    assert len(page.flat) == len(page.lower) == len(text)
    view = decode(page)
    if view is not None:
        assert len(view.begins) == len(view.origins) == len(view.ends) == len(view.verbatim)
        for begin, origin, end, is_verbatim in zip(view.begins, view.origins, view.ends, view.verbatim, strict=True):
            if is_verbatim:
                assert view.page.text[begin : begin + end - origin] == text[origin:end]


@given(PIECES)
@settings(max_examples=100, deadline=None)
def test_redaction_settles_at_once(text: str) -> None:
    secrets = [finding for finding in screen(text) if finding.kind == "secret"]
    clean = redact(text, secrets)
    again = [finding for finding in screen(clean) if finding.kind == "secret"]
    assert redact(clean, again) == clean
