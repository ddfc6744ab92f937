// What the conformance kit (core/plugin/check) asks beside verbs: it holds the very helper that
// runs plugins, with all that confines them, not a likeness of it.
#pragma once

#include <optional>

#include "plugin-host/module.hpp"

namespace hyops::plugin_host {

// Answers a frame of the kit; false for any other.
//
//   {"t":"census"}                   {"t":"census","fds","threads","heap"}: what the plugin holds
//   {"t":"interface","id"}           {"t":"interface","known"}
//   {"t":"destroy"}                  {"t":"destroyed"}: the instance, not the module
//   {"t":"cycle","n"} + a config     {"t":"cycled"}: n times created and destroyed; or "refused"
bool probe(Wire& wire, Host& host, std::optional<Module>& module, const plugin::Frame& frame);

}  // namespace hyops::plugin_host
