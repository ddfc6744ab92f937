set(link hyops_engine)
set(cases 20)  # each runs real tools
