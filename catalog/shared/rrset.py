"""One record of a zone as its authority holds it: PowerDNS's API for what is stored, DNS for what is answered.

spread.py copies this file into each pack that uses it.
"""
import os

from authority import Stop, call, inputs, query


class Record:
    """Of the step's inputs. An empty name never gets past here (L13)."""

    def __init__(self):
        self.given = inputs()
        self.zone = self.given["zone"].rstrip(".").lower() + "."
        self.name = self.given["name"].rstrip(".").lower() + "."
        self.ttl = self.given["ttl"]
        self.api = self.given["api"].rstrip("/") + "/api/v1/servers/localhost/zones/" + self.zone
        self.authority, self.port = self.given["authority"], self.given["authority_port"]
        self.expected = self.given["expected"][0]["address"] if self.given["expected"] else ""
        if self.zone == "." or self.name == ".":
            raise Stop("invalid", "zone and name must not be empty")
        if not self.name.endswith("." + self.zone):
            raise Stop("invalid", f"{self.name} does not lie in zone {self.zone}")
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

    def serial(self):
        return query(self.authority, self.port, self.zone, "SOA")[2][0][0]

    def remembered_s(self, held, ttl):
        """How long a resolver may go on with its old answer; "no such name" is one, too."""
        return ttl if held else query(self.authority, self.port, self.zone, "SOA")[2][0][1]
