"""`tasks.trouble`, by its former name."""

from tasks.trouble import Trouble

__all__ = ["Trouble"]
