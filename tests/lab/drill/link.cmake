# The product's own drill, on real namespaces: needs root, skips itself with a line otherwise.
set(link hyops_lab)
set(labels lab)
set(timeout 300)
