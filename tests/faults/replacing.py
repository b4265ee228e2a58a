"""Putting something else in the place of one of the product's functions, in a worker process of the tests'."""

import pkgutil
from collections.abc import Callable
from typing import Any

AnyFunction = Callable[..., Any]


def replace(name: str, make: Callable[[AnyFunction], AnyFunction]) -> None:
    """Put a function that is made of the present one in its place; before anything else has imported it by name."""
    owner, _, attribute = name.rpartition(".")
    setattr(pkgutil.resolve_name(owner), attribute, make(pkgutil.resolve_name(name)))
