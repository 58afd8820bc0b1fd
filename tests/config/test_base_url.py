"""Which addresses a platform may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.config.base_url import check_base_url, is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com:8443/prefix/v1",
        "https://api.example.com.",
        "https://a_b.example.com",
        "https://xn--bcher-kva.example",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "https://x",
        "http://localhost:8000",
        "http://127.255.255.254",
        "http://[::1]:8000",
        "https://a.example/b%20c/...",
    ],
)
def test_a_base_url_is_taken_as_it_is_but_for_a_last_slash_and_capitals(
    url: str,
) -> None:
    assert check_base_url(url) == url
    assert check_base_url(f"{url.capitalize()}//") == f"h{url.capitalize()[1:]}"


REFUSED = {
    "begin with https://": [
        "http://api.example.com",
        "http://192.0.2.1",
        "http://2130706433",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ],
    "user or a password": [
        "https://user:hidden@a.example",
        "https://@a.example",
        "https://a.example@b.example",
        "http://127.0.0.1@b.example",
    ],
    "without ? or #": [
        "https://a.example?",
        "https://a.example?x=hidden",
        "https://a.example/#hidden",
    ],
    "must be a URL such as": [
        "",
        "a.example",
        "//a.example",
        "ftp://a.example",
        "javascript:alert(1)",
        "https:a.example",
        "https://",
        "https://:443",
        "127.0.0.1:8000",
    ],
    "spaces or control characters": [
        "https://a .example",
        "https://a.example/\n",
        "https://a.example\r\nX: y",
        "https://a.example\t",
        "https://a.example/\x00",
        "https://a.example/\u202e",
    ],
    ". or ..": [
        "https://a.example/..",
        "https://a.example/a/../b",
        "https://a.example/%2e%2E/b",
        "https://a.example/.%2e",
    ],
    "must be ASCII": [
        "https://bücher.example",
        "https://\u0430pple.example",
        "https://a.example\\@b.example",
        "https://a.example\\b",
    ],
    "host name that is not valid": [
        "https://a..example",
        "https://-a.example",
        "https://a-.example",
        f"https://{'a' * 64}.example",
        f"https://{'a.' * 127}example",
        "https://a%2eexample",
        "https://*.example",
        "https://[fe80::1%25eth0]",
        "https://[v1.future]",
    ],
    "is not a URL": [
        "https://[::1",
        "https://a.example:port",
        "https://a.example:99999",
        "https://[a.example]",
    ],
}


@pytest.mark.parametrize(
    ("url", "reason"), [(url, reason) for reason, urls in REFUSED.items() for url in urls]
)
def test_a_wrong_base_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("?", r"\?")) as caught:
        check_base_url(url)

    assert "hidden" not in str(caught.value)


@given(url=st.text(max_size=60) | st.from_regex(r"https?://[^ ]{0,60}"))
def test_any_text_is_either_a_base_url_or_a_clear_error(url: str) -> None:
    try:
        taken = check_base_url(url)
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017 - either may happen
    else:
        assert check_base_url(taken) == taken
        assert taken.startswith(("https://", "http://"))
        assert taken.isascii()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *((host, False) for host in ("10.0.0.1", "::", "example.com", "localhost.", "127.1", "")),
    ],
)
def test_loopback_is_localhost_and_the_addresses_of_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
