// Whether JSON has the shape of a message, as far as the protobuf library would not complain but lose data: null in a
// list, one value for a list, a list for one value, a field under both of its names, a
// text that is no bool and no field mask.
//
// Thread: pure function.
#pragma once

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>

#include "type_lookup.h"

namespace lgen {

/// "path: what is expected, what there is"; empty: the rest is the library's to judge. `lookup`: of types in an Any.
std::string json_misfit(const TypeLookup& lookup, const google::protobuf::Descriptor& type,
                        const nlohmann::ordered_json& json);

}  // namespace lgen
