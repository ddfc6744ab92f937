# Plans with the shipped catalogue and the signed manifests of the shipped plugins, whose helpers are modelled.
set(link hyops_engine)
add_custom_target(simulation_plugins DEPENDS hyops_local_compute hyops_local_egress
  hyops_access_runner-local hyops_secrets_offline-bundle)
set(depends simulation_plugins)
set(timeout 600)
set(labels crash)
