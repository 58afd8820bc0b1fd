"""A description for the tests, and what is made of one."""

from textwrap import dedent

from loyalty_cli.config.descriptions.read import read_description
from loyalty_cli.config.yaml_nodes import parse
from loyalty_cli.providers.description.provider import DescribedProvider, provider_of
from loyalty_cli.providers.description.records import Description

ACME = dedent(
    """
    title: Acme
    base_url: https://loyalty.acme.example
    auth: {bearer: {credentials: [api_key], headers: {Authorization: "Bearer {api_key}"}}}
    look_up: {id: {get: "/v1/customers/{customer}", at: customer}}
    lines: [{name: points, kind: points, unit: points, available: points_balance}]
    """
).lstrip()
"""The least that a description needs; each key is on a line of its own."""


def with_key(key: str, value: str) -> str:
    """ACME with another value of a key, on the key's own line or at the end."""
    lines = [line for line in ACME.splitlines() if not line.startswith(f"{key}:")]
    at = next(
        (at for at, line in enumerate(ACME.splitlines()) if line.startswith(f"{key}:")), len(lines)
    )
    return "\n".join([*lines[:at], f"{key}: {value}", *lines[at:]]) + "\n"


def described(text: str) -> Description:
    """Read a description."""
    return read_description("acme", parse(text))


def provider(text: str = ACME) -> DescribedProvider:
    """The provider that a description makes."""
    return provider_of(described(text))


def with_line(line: str) -> DescribedProvider:
    """The provider whose only balance line this is."""
    return provider(with_key("lines", f"[{{{line}}}]"))
