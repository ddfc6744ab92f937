set(link hyops_process)
# The tests run the real step host; it must be there when they are.
cmake_language(DEFER CALL add_dependencies unit_process_test hyops-step-host)
