add_library(ipsec_associations STATIC ${CMAKE_SOURCE_DIR}/plugins/access/private-overlay/ipsec.cpp)
target_include_directories(ipsec_associations PUBLIC ${CMAKE_SOURCE_DIR}/plugins/access/private-overlay)
set(link ipsec_associations)
