"""Small copies of the platforms' APIs, on loopback; loaded only for the sandbox."""

from collections.abc import Mapping
from importlib import import_module

from loyalty_cli.providers import BUILT_IN
from loyalty_cli.sandbox.api import Api

APIS: Mapping[str, Api] = {name: import_module(f"{__name__}.{name}").API for name in BUILT_IN}
"""The module of a platform has the name of its provider."""
