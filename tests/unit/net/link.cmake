set(link hyops_net Boost::headers)
