#include "scaled_sleep.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "error.h"

namespace lgen::cluster {

namespace fs = std::filesystem;

namespace {

// The arguments of GNU's sleep: numbers, each with s, m, h or d behind it or not, which add up.
constexpr const char* kScript = R"sh(#!/bin/sh
# Written by lgen-cluster: the cluster's time runs {scale:g} times as fast.
exec /bin/sleep "$(awk -v scale={scale:g} 'BEGIN {{
  unit["s"] = 1; unit["m"] = 60; unit["h"] = 3600; unit["d"] = 86400
  for (i = 1; i < ARGC; i++) {{
    last = substr(ARGV[i], length(ARGV[i]))
    total += ARGV[i] * (last in unit ? unit[last] : 1)
  }}
  printf "%.3f", total / scale
}}' "$@")"
)sh";

}  // namespace

std::string command_path(const std::string& run_dir, double time_scale) {
  const char* given = std::getenv("PATH");
  const std::string path = given != nullptr ? given : "/usr/bin:/bin";
  if (time_scale == 1) return path;
  const fs::path folder = fs::path(run_dir) / "bin", script = folder / "sleep";
  fs::create_directory(folder);
  std::ofstream out(script);
  out << fmt::format(kScript, fmt::arg("scale", time_scale));
  out.close();
  if (!out) throw ClusterError(fmt::format("cannot write {}", script.string()));
  fs::permissions(script, fs::perms::owner_all);
  return folder.string() + ":" + path;
}

}  // namespace lgen::cluster
