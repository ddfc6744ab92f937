# Real namespaces and packets: needs root, skips itself with a line otherwise.
set(link hyops_labd)
set(labels lab)
