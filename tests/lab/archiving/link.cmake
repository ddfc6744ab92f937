# The packs' archiving against a real PostgreSQL in namespaces of its own: needs root, skips itself otherwise.
set(link hyops_process)
set(labels lab)
