"""The one record that a cutover moves: where to, from where, and who is to follow."""
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

    def is_followed_by(self, resolver):
        """True when a resolver of clients answers the target; one that does not answer does not follow."""
        try:
            return query(resolver, 53, self.name, "A", recurse=True, timeout=0.5)[2] == [self.target]
        except Stop:
            return False
