// hyops-iap-dial: standard input and output become one TCP stream to an instance's port, through
// IAP's relay. What ssh calls a ProxyCommand. The token is never an argument.
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <iostream>

#include "hyops/plugin.hpp"
#include "tunnel.hpp"

namespace {

namespace options = boost::program_options;
using hyops::sdk::Failed;

std::chrono::milliseconds seconds_of(const options::variables_map& given, const char* name) {
  return std::chrono::seconds(given[name].as<uint32_t>());
}

int dial(int argc, char** argv) {
  std::string relay;
  hyops::iap::Dial dial;
  options::options_description all("hyops-iap-dial, one TCP stream through IAP");
  const auto text = [](std::string& value) { return options::value(&value); };
  all.add_options()                                                                              //
      ("project", text(dial.target.project)->required(), "the instance's project")               //
      ("zone", text(dial.target.zone)->required(), "its zone")                                   //
      ("instance", text(dial.target.instance)->required(), "its name")                           //
      ("interface", text(dial.target.interface)->default_value("nic0"), "of the instance")       //
      ("port", options::value(&dial.target.port)->default_value(22), "of the instance")          //
      ("relay", text(relay)->default_value(hyops::iap::google_relay), "wss://HOST[:PORT]/PATH")  //
      ("ca-file", text(dial.ca_file), "certificates to trust in place of the system's")          //
      ("token-file", text(dial.token.file), "a file that holds the token")                       //
      ("metadata", text(dial.token.metadata)->implicit_value(hyops::iap::google_metadata),
       "ask the metadata service for tokens")                                        //
      ("connect-timeout", options::value<uint32_t>()->default_value(20), "seconds")  //
      ("patience", options::value<uint32_t>()->default_value(120),
       "seconds that a lost session is tried to be resumed")  //
      ("help", "this");
  options::variables_map given;
  try {
    options::store(options::parse_command_line(argc, argv, all), given);
    if (given.count("help")) {
      std::cout << all;
      return 0;
    }
    options::notify(given);
  } catch (const options::error& error) {
    throw Failed("invalid/access.iap.arguments", error.what());
  }
  const auto& [file, metadata] = dial.token;
  if (file.empty() == metadata.empty() || (!metadata.empty() && metadata.rfind("http://", 0) != 0))
    throw Failed("invalid/access.iap.arguments",
                 "give --token-file FILE or --metadata[=http://...]: where the token comes from");
  dial.relay = hyops::iap::parse_relay(relay);
  dial.connect_timeout = seconds_of(given, "connect-timeout");
  dial.patience = seconds_of(given, "patience");
  hyops::iap::carry(dial, STDIN_FILENO, STDOUT_FILENO);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  (void)::prctl(PR_SET_DUMPABLE, 0);  // the token is in memory
  (void)std::signal(SIGPIPE, SIG_IGN);
  try {
    return dial(argc, argv);
  } catch (const Failed& failed) {
    std::cerr << failed.code << ": " << failed.message << '\n';
  } catch (const std::exception& error) {
    std::cerr << "internal/access.iap.dial: " << error.what() << '\n';
  }
  return 1;
}
