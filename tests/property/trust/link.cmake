set(link hyops_trust)
