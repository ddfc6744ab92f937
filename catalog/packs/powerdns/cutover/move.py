"""The one record that a cutover moves: where to, from where, and who is to follow."""
import time
from concurrent.futures import ThreadPoolExecutor

from authority import Stop, query
from rrset import Record


class Move(Record):
    """A validated request. An empty target and equal ones never get past here (L13)."""

    def __init__(self):
        super().__init__()
        self.resolvers, self.wait_s = self.given["resolvers"], self.given["wait"] / 1000
        self.forgotten_at_s = self.given["forgotten_at_ms"] / 1000
        self.target = self.given["target"][0]["address"] if self.given["target"] else ""
        if not self.target:
            raise Stop("invalid", "target must not be empty")
        if self.target == self.expected:
            raise Stop("invalid", f"old and new target are both {self.target}; this moves nothing. "
                       "Look at the placement of the new host")

    def followed_by(self, end):
        """What each resolver of clients says, once at least and until `end` (monotonic): "" where it follows.

        Each is asked by itself: one that is dead keeps nobody from asking the others in time.
        """
        def one(resolver):
            while True:
                try:
                    answers = query(resolver, 53, self.name, "A", recurse=True, timeout=0.5)[2]
                    said = "still answers " + (" ".join(answers) or "that there is no such name")
                except Stop as silent:
                    said, answers = str(silent), []
                if answers == [self.target] or time.monotonic() >= end:
                    return "" if answers == [self.target] else said
                time.sleep(0.2)
        with ThreadPoolExecutor(min(64, len(self.resolvers) or 1)) as pool:
            return dict(zip(self.resolvers, pool.map(one, self.resolvers)))
