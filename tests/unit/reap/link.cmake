# The tests run the real bin/hyops with its helpers and the plugins that ship.
set(link hyops_engine)
list(APPEND depends hyops hyops-plugin-host hyops-step-host hyops-stream-host
  hyops_access_public-ephemeral hyops_secrets_offline-bundle)
