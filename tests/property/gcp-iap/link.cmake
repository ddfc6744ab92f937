set(link hyops_iap)
