set(link hyops_trust sodium)
