"""How far a process has seen the database move: the two numbers of the table `generation`."""

from __future__ import annotations

import threading


class Seen:
    """Noted by the writer's thread after its commits, and on the event loop with every answer. Never goes back."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self.number = 0  # of changes to buckets, accounts and keys
        self.links = 0  # of changes to the register of links

    def note(self, number: int, links: int) -> None:
        if number <= self.number and links <= self.links:  # as nearly always
            return
        with self._turn:
            self.number = max(self.number, number)
            self.links = max(self.links, links)
