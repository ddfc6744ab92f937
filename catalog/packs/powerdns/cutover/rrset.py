"""The one record that a cutover moves: what is asked for, and what the authority holds of it."""
import os

from authority import Stop, call, inputs, query


class Move:
    """A validated request. Empty names and equal targets never get past here (L13)."""

    def __init__(self):
        given = inputs()
        self.zone = given["zone"].rstrip(".").lower() + "."
        self.name = given["name"].rstrip(".").lower() + "."
        self.ttl = given["ttl"]
        self.api = given["api"].rstrip("/") + "/api/v1/servers/localhost/zones/" + self.zone
        self.authority, self.port = given["authority"], given["authority_port"]
        self.resolvers = given["resolvers"]
        self.target = given["target"][0]["address"] if given["target"] else ""
        self.expected = given["expected"][0]["address"] if given["expected"] else ""
        if self.zone == "." or self.name == "." or not self.target:
            raise Stop("invalid", "zone, name and target must not be empty")
        if not self.name.endswith("." + self.zone):
            raise Stop("invalid", f"{self.name} does not lie in zone {self.zone}")
        if self.target == self.expected:
            raise Stop("invalid", f"old and new target are both {self.target}; this moves nothing. "
                       "Look at the placement of the new host")
        if self.expected and not given["fence_proof"].strip():
            raise Stop("denied", f"no proof that {self.expected} is fenced; clients must not be moved "
                       "while it could still take writes")
        with open(os.path.join(os.environ["HYOPS_SECRETS"], "api_key"), encoding="utf-8") as source:
            self.key = source.read().strip()

    def held(self):
        """(address, ttl) in the authority's database; ("", 0) when there is no such record."""
        zone = call("GET", f"{self.api}?rrset_name={self.name}&rrset_type=A", self.key)
        found = [one for one in zone["rrsets"] if one["name"] == self.name and one["type"] == "A"]
        others = [one["type"] for one in zone["rrsets"] if one["name"] == self.name and one["type"] == "CNAME"]
        if others:
            raise Stop("conflict", f"{self.name} is an alias; an address beside it would not be answered")
        if not found:
            return "", 0
        values = [one["content"] for one in found[0]["records"] if not one["disabled"]]
        if len(values) != 1:
            raise Stop("conflict", f"{self.name} has {len(values)} addresses: {' '.join(values)}; expected one")
        return values[0], found[0]["ttl"]

    def set(self, address):
        """Replaces the record; "" removes it. PowerDNS has no compare-and-set: see README, limits."""
        change = {"name": self.name, "type": "A", "changetype": "DELETE"}
        if address:
            change.update({"changetype": "REPLACE", "ttl": self.ttl,
                           "records": [{"content": address, "disabled": False}]})
        call("PATCH", self.api, self.key, {"rrsets": [change]})

    def answered(self):
        """What the authority says on the wire: the address, or "" when it denies the name."""
        sure, rcode, answers = query(self.authority, self.port, self.name, "A")
        if not sure or rcode not in (0, 3):
            raise Stop("unavailable", f"{self.authority} is no authority for {self.name} (rcode {rcode})")
        return " ".join(answers)

    def is_followed_by(self, resolver):
        """True when a resolver of clients answers the target; one that does not answer does not follow."""
        try:
            return query(resolver, 53, self.name, "A", recurse=True, timeout=0.5)[2] == [self.target]
        except Stop:
            return False

    def serial(self):
        return query(self.authority, self.port, self.zone, "SOA")[2][0]
