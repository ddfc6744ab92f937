set(link hyops_record)
