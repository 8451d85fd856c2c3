"""Pages of the HTML that code shows: a fragment gets the looks of the rest, and a page stays as it is."""

import pytest

from rspark_session.rc2.html_page import page_of


@pytest.mark.parametrize(
    "html",
    [
        b"<!DOCTYPE html><p>whole",
        b"\n<html><body>whole",
        b"<!-- made by a tool -->\n<!-- of two lines\n--> <head></head>",
        b"<body class='x'>",
    ],
)
def test_a_page_stays_as_it_is(html: bytes) -> None:
    assert page_of(html) == html


@pytest.mark.parametrize(
    "html", [b"<b>bold</b>", b"", b"<header>no head</header>", b"<!-- <html> --><p>", b"text <html>", b"<!-- without an end"]
)
def test_a_fragment_gets_the_looks_of_the_rest(html: bytes) -> None:
    assert page_of(html).startswith(b"<!doctype html>")
    assert page_of(html).endswith(html)


def test_many_comments_before_a_fragment_take_no_time() -> None:
    html = b"<!-- --> " * 50_000 + b"<p>"
    assert page_of(html).endswith(html)
