# An installed hyops on hosts of a lab, with real packets: needs root, skips itself otherwise.
set(link hyops_labd)
set(labels lab)
set(timeout 600)
