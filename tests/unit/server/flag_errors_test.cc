#include "flag_errors.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "catch.h"

namespace lgen::server {
namespace {

std::string refused(const std::string& words) {
  CLI::App app("", "prog");
  int number = 0;
  std::string text;
  for (const char* flag : {"--grpc-port", "--metrics-port", "--pods"}) app.add_option(flag, number);
  app.add_option("--balance", text);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return flag_error(app, error);
  }
  return "";
}

TEST_CASE("a flag that does not exist is named, and what was probably meant") {
  CHECK(refused("--pods 3") == "");
  CHECK(refused("--blance stream") == "unknown flag --blance (did you mean --balance?)");
  CHECK(refused("--blance=stream") == "unknown flag --blance (did you mean --balance?)");
  CHECK(refused("--port 1") == "unknown flag --port (did you mean --grpc-port or --metrics-port?)");
  CHECK(refused("--colour 1") == "unknown flag --colour");
  CHECK(refused("-x") == "unknown flag -x");
  CHECK(refused("--pods 3 more") == "'more' belongs to no flag");
}

TEST_CASE("a bad value names its flag") { CHECK(refused("--pods many").find("--pods") != std::string::npos); }

}  // namespace
}  // namespace lgen::server
