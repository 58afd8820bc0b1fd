"""The five platforms in small, on loopback: everything here is loaded with the sandbox alone."""

from collections.abc import Mapping
from types import MappingProxyType

from loyalty_cli.sandbox import capillary, gameball, imprint, omneo, saasquatch
from loyalty_cli.sandbox.api import Api

APIS: Mapping[str, Api] = MappingProxyType(
    {module.API.name: module.API for module in (imprint, gameball, capillary, omneo, saasquatch)}
)
