"""What an operator may change: one table, and where its values come from. Nothing here opens or starts anything."""

from .kinds import Listen
from .server import ServerSettings

__all__ = ["Listen", "ServerSettings"]
