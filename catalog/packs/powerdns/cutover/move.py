"""The one record that a cutover moves: where to, from where, and who is to follow."""
import json

from authority import Stop, query
from rrset import Record


def covers(proof, host):
    """Is it this host, or its zone, that the proof of a fence is about? Whether it still holds for this
    run, and who signed an acceptance of loss, the run has seen to before it started this (L12)."""
    try:
        subject = json.loads(proof)["subject"]
        hosts = [{one["name"], one.get("address", "")} for one in subject.get("hosts", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    mine = {host.get("name"), host["address"]} - {None, ""}
    in_zone = bool(subject.get("zone")) and subject["zone"] == host.get("zone")
    return in_zone or any(mine & one for one in hosts)


class Move(Record):
    """A validated request. An empty target and equal ones never get past here (L13)."""

    def __init__(self):
        super().__init__()
        self.resolvers, self.wait_s = self.given["resolvers"], self.given["wait"] / 1000
        self.target = self.given["target"][0]["address"] if self.given["target"] else ""
        if not self.target:
            raise Stop("invalid", "target must not be empty")
        if self.target == self.expected:
            raise Stop("invalid", f"old and new target are both {self.target}; this moves nothing. "
                       "Look at the placement of the new host")
        if self.expected and not covers(self.given["fence_proof"], self.given["expected"][0]):
            raise Stop("denied", f"no proof that {self.expected} is fenced; clients must not be moved "
                       "while it could still take writes")

    def is_followed_by(self, resolver):
        """True when a resolver of clients answers the target; one that does not answer does not follow."""
        try:
            return query(resolver, 53, self.name, "A", recurse=True, timeout=0.5)[2] == [self.target]
        except Stop:
            return False
