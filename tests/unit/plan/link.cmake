set(link hyops_engine)
