// Reads manifests: files with one or more documents, folders of such files, standard input.
//
// *Thread:* any; reads files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "objects.h"

namespace lgen::kube {

// Of all `paths` together ("-": standard input), and of these Deployments alone, if any are named. Throws
// ManifestError; what it does not know is in `skipped`.
Manifests read_manifests(const std::vector<std::string>& paths, const std::vector<std::string>& deployments = {});

// Of one text; `file` is for messages.
void add_manifests(std::string_view text, const std::string& file, Manifests& manifests);

// Leaves out all Deployments but these, and the autoscalers of the others. Throws ManifestError when one is not there.
void keep_only(const std::vector<std::string>& deployments, Manifests& manifests);

// What concerns several objects: names twice, autoscalers of the same or of no Deployment. Throws ManifestError.
void check_together(Manifests& manifests);

// For people: of several objects of a kind one line, "skipped 4 NetworkPolicies: why".
std::vector<std::string> skipped_lines(const std::vector<Skipped>& skipped);

}  // namespace lgen::kube
