#include "manifests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "read_kinds.h"

namespace lgen::kube {

namespace fs = std::filesystem;

namespace {

void add_object(const YamlNode& object, Manifests& manifests) {
  const std::string kind = object["kind"].text();
  if (kind == "List" || kind.ends_with("List")) {
    for (const YamlNode& item : object["items"].items()) add_object(item, manifests);
  } else if (kind == "Deployment") {
    if (auto deployment = read_deployment(object, manifests.skipped)) {
      manifests.deployments.push_back(std::move(*deployment));
    } else {
      manifests.skipped.push_back(
          {kind, object["metadata"]["name"].text(), object["kind"].where(), "no container of it is an lgen-server"});
    }
  } else if (kind == "Service") {
    manifests.services.push_back(read_service(object, manifests.skipped));
  } else if (kind == "HorizontalPodAutoscaler") {
    manifests.autoscalers.push_back(read_autoscaler(object, manifests.skipped));
  } else {
    manifests.skipped.push_back({kind, object["metadata"]["name"].text_or(""), object["kind"].where(),
                                 "lgen-cluster knows Deployment, Service and HorizontalPodAutoscaler"});
  }
}

std::string whole(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

std::string read_file(const fs::path& path) {
  errno = 0;
  std::ifstream in(path);
  std::string text = whole(in);
  if (!in) throw ManifestError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  return text;
}

bool is_manifest(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || !is_manifest(entry.path())) continue;
    if (entry.path().stem() == "kustomization") {
      throw ManifestError(
          fmt::format("{0} is kustomize's; give its output: kustomize build {0} | lgen-cluster -f -", folder.string()));
    }
    files.push_back(entry.path());
  }
  if (files.empty()) throw ManifestError(fmt::format("{} has no .yaml, .yml or .json file", folder.string()));
  std::sort(files.begin(), files.end());
  return files;
}

std::string plural(const std::string& kind) {
  if (kind.ends_with('y') && !kind.ends_with("ay")) return kind.substr(0, kind.size() - 1) + "ies";
  return kind + (kind.ends_with('s') ? "es" : "s");
}

void add_path(const std::string& path, Manifests& manifests) {
  if (path == "-") return add_manifests(whole(std::cin), "standard input", manifests);
  std::error_code error;
  if (!fs::is_directory(path, error)) return add_manifests(read_file(path), path, manifests);
  for (const fs::path& file : files_of(path)) add_manifests(read_file(file), file.string(), manifests);
}

template <class Objects>
void check_names(const Objects& objects, const char* kind) {
  std::set<std::string> names;
  for (const auto& object : objects) {
    if (!names.insert(object.name).second) {
      throw ManifestError(
          fmt::format("two objects of kind {} are called {}; lgen-cluster has one namespace", kind, object.name));
    }
  }
}

// Why there is none of this kind (and name), as far as something was skipped; it is told of nowhere else then.
std::string skipped_words(const Manifests& manifests, std::string_view name) {
  std::vector<Skipped> told;
  for (const Skipped& one : manifests.skipped) {
    if (name.empty() || one.name == name) told.push_back(one);
  }
  std::string words;
  for (const std::string& line : skipped_lines(told)) words += "\n  " + line;
  return words;
}

void check_targets(const Manifests& manifests) {
  std::set<std::string> scaled;
  for (const Autoscaler& autoscaler : manifests.autoscalers) {
    const auto is_target = [&](const Deployment& one) { return one.name == autoscaler.deployment; };
    if (std::none_of(manifests.deployments.begin(), manifests.deployments.end(), is_target)) {
      throw ManifestError(
          fmt::format("HorizontalPodAutoscaler {} scales Deployment {}, which is not among those that "
                      "can run here{}",
                      autoscaler.name, autoscaler.deployment, skipped_words(manifests, autoscaler.deployment)));
    }
    if (!scaled.insert(autoscaler.deployment).second) {
      throw ManifestError(fmt::format(
          "two HorizontalPodAutoscalers scale Deployment {}; Kubernetes then scales nothing", autoscaler.deployment));
    }
  }
}

}  // namespace

void add_manifests(std::string_view text, const std::string& file, Manifests& manifests) {
  try {
    for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
      const YamlNode object(document, file);
      if (object.given()) add_object(object, manifests);
    }
  } catch (const YAML::Exception& e) {
    throw ManifestError(fmt::format("{}:{}: {}", file, e.mark.is_null() ? 1 : e.mark.line + 1, e.msg));
  }
}

void check_together(Manifests& manifests) {
  check_names(manifests.deployments, "Deployment");
  check_names(manifests.services, "Service");
  check_names(manifests.autoscalers, "HorizontalPodAutoscaler");
  check_targets(manifests);
  if (manifests.deployments.empty()) {
    throw ManifestError("no manifest has a Deployment that can run here" + skipped_words(manifests, ""));
  }
}

void keep_only(const std::vector<std::string>& names, Manifests& manifests) {
  const auto left_out = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) == names.end();
  };
  for (const std::string& name : names) {
    const auto is_it = [&](const Deployment& one) { return one.name == name; };
    if (std::none_of(manifests.deployments.begin(), manifests.deployments.end(), is_it)) {
      throw ManifestError(fmt::format("--deployment {}: no manifest has such a Deployment of lgen-server", name));
    }
  }
  std::erase_if(manifests.deployments, [&](const Deployment& one) { return left_out(one.name); });
  std::erase_if(manifests.autoscalers, [&](const Autoscaler& one) { return left_out(one.deployment); });
}

std::vector<std::string> skipped_lines(const std::vector<Skipped>& skipped) {
  // Of containers and fields every one is worth its line.
  const auto alike = [](const Skipped& a, const Skipped& b) {
    const bool object = a.kind.front() >= 'A' && a.kind.front() <= 'Z';
    return &a == &b || (object && a.kind == b.kind && a.why == b.why);
  };
  std::vector<std::string> lines;
  for (auto one = skipped.begin(); one != skipped.end(); ++one) {
    const auto is_like_it = [&](const Skipped& other) { return alike(*one, other); };
    if (std::any_of(skipped.begin(), one, is_like_it)) continue;
    const auto count = std::count_if(one, skipped.end(), is_like_it);
    lines.push_back(count > 1 ? fmt::format("skipped {} {}: {}", count, plural(one->kind), one->why)
                              : fmt::format("{}{}skipped {} {}: {}", one->where, one->where.empty() ? "" : ": ",
                                            one->kind, one->name, one->why));
  }
  return lines;
}

Manifests read_manifests(const std::vector<std::string>& paths, const std::vector<std::string>& deployments) {
  Manifests manifests;
  for (const std::string& path : paths) add_path(path, manifests);
  if (!deployments.empty()) keep_only(deployments, manifests);
  check_together(manifests);
  return manifests;
}

}  // namespace lgen::kube
