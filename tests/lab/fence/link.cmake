# The pack against real PowerDNS and unbound on hosts of a lab: needs root, skips itself otherwise.
set(link hyops_labd)
set(labels lab)
