// Descriptor sets, as protoc writes them.
#include <google/protobuf/descriptor.pb.h>

#include <cstdlib>

#include "catch.h"
#include "folder.h"
#include "lgen/schema.h"
#include "schema_impl.h"

using namespace lgen;
using lgen::test::Folder;

namespace {

namespace pb = google::protobuf;
using Names = std::vector<std::string>;

/// Runs protoc on files below tests/data.
std::string make_set(const Folder& folder, const std::string& name, const std::string& arguments) {
  const std::string path = folder.path(name);
  const std::string command =
      "protoc -I " LGEN_TEST_DATA " --descriptor_set_out=" + path + " " + arguments + " 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  return path;
}

std::string failure(const Names& paths, const std::string& base_dir = "") {
  auto schema = Schema::from_protoset(paths, base_dir);
  return schema.ok() ? "" : schema.error().message;
}

std::unique_ptr<Schema> load(const Names& paths, const std::string& base_dir = "") {
  auto schema = Schema::from_protoset(paths, base_dir);
  INFO((schema.ok() ? "" : schema.error().message));
  REQUIRE(schema.ok());
  return *std::move(schema);
}

}  // namespace

TEST_CASE("a descriptor set holds what the files hold", "[schema]") {
  Folder folder;
  const std::string path = make_set(folder, "shop.pb", "--include_imports schema/shop.proto schema/legacy.proto");
  auto from_set = load({path});
  auto from_files = Schema::from_files({{"schema/shop.proto", "schema/legacy.proto"}, {}, LGEN_TEST_DATA, {}});
  REQUIRE(from_files.ok());
  CHECK(from_set->services() == Names{"shop.Shop"});
  CHECK(from_set->methods() == (*from_files)->methods());
  CHECK(from_set->messages() == (*from_files)->messages());
  CHECK(from_set->enums() == (*from_files)->enums());
  CHECK((*from_set->method("shop.Shop/Chat"))->kind == MethodKind::bidi);
  CHECK((*from_set->message("shop.OrderRequest"))->find("items")->message->name == "shop.Item");
}

TEST_CASE("descriptor sets are found below the base folder, and several are one", "[schema]") {
  Folder folder;
  make_set(folder, "goods.pb", "schema/goods.proto");
  make_set(folder, "shop.pb", "--include_source_info schema/shop.proto");
  make_set(folder, "whole.pb", "--include_imports --include_source_info schema/shop.proto");
  CHECK(load({"shop.pb", "goods.pb"}, folder.path())->methods().size() == 3);
  // goods.proto is in two of them, once with comments and once without.
  CHECK(load({"goods.pb", "whole.pb"}, folder.path())->methods().size() == 3);
}

TEST_CASE("a schema is written as a descriptor set and read again", "[schema]") {
  Folder folder;
  const std::string path = make_set(folder, "shop.pb", "--include_imports schema/shop.proto schema/legacy.proto");
  auto first = load({path});
  folder.write("again.pb", first->to_protoset());
  auto again = load({folder.path("again.pb")});
  CHECK(again->to_protoset() == first->to_protoset());
  CHECK(again->messages() == first->messages());

  // protoc's own set: the same files with the same content, imports first.
  pb::FileDescriptorSet ours, theirs;
  REQUIRE(ours.ParseFromString(first->to_protoset()));
  std::ifstream file(path, std::ios::binary);
  REQUIRE(theirs.ParseFromIstream(&file));
  REQUIRE(ours.file_size() == theirs.file_size());
  std::set<std::string> before;
  for (const pb::FileDescriptorProto& mine : ours.file()) {
    for (const std::string& import : mine.dependency()) CHECK(before.contains(import));
    before.insert(mine.name());
    for (const pb::FileDescriptorProto& other : theirs.file()) {
      if (other.name() == mine.name()) CHECK(mine.SerializeAsString() == other.SerializeAsString());
    }
  }
}

TEST_CASE("protobuf's own files need not be in a set", "[schema]") {
  Folder folder;
  make_set(folder, "shop.pb", "schema/shop.proto schema/goods.proto");
  auto schema = load({folder.path("shop.pb")});
  CHECK((*schema->message("google.protobuf.Timestamp"))->find("nanos") != nullptr);
}

TEST_CASE("a set that cannot be used is refused with what to do", "[schema]") {
  Folder folder;
  const std::string lone = make_set(folder, "lone.pb", "schema/shop.proto");
  folder.write("text.pb", "syntax = \"proto3\";\n");
  folder.write("x.proto", "syntax = \"proto3\";\n");
  folder.write("empty.pb", "");
  pb::FileDescriptorSet other;
  other.add_file()->set_name("schema/goods.proto");
  folder.write("other.pb", other.SerializeAsString());
  make_set(folder, "goods.pb", "schema/goods.proto");
  pb::FileDescriptorSet broken;
  broken.add_file()->set_name("b.proto");
  broken.mutable_file(0)->add_message_type()->set_name("M");
  auto& field = *broken.mutable_file(0)->mutable_message_type(0)->add_field();
  field.set_name("f");
  field.set_number(1);
  field.set_label(pb::FieldDescriptorProto::LABEL_OPTIONAL);
  field.set_type_name(".no.Such");
  folder.write("broken.pb", broken.SerializeAsString());

  CHECK(failure({}) == "no descriptor set is named; give at least one");
  CHECK(failure({"none.pb"}, folder.path()) ==
        "cannot read the descriptor set " + folder.path("none.pb") + ": No such file or directory");
  CHECK(failure({folder.path()}) ==
        "cannot read the descriptor set " + folder.path() + ": it is a directory; name the file");
  for (const char* name : {"text.pb", "empty.pb"}) {
    CHECK(failure({folder.path(name)}) ==
          folder.path(name) +
              ": this is no descriptor set; make one with `protoc --include_imports --descriptor_set_out=" + name +
              " FILE.proto`");
  }
  CHECK(failure({folder.path("x.proto")}) ==
        folder.path("x.proto") + ": this is a .proto file and no descriptor set; give it as a .proto file");
  CHECK(failure({lone}) == lone +
                               ": schema/shop.proto imports \"schema/goods.proto\", which is not in the set; make it "
                               "with protoc's --include_imports");
  CHECK(failure({"goods.pb", "other.pb"}, folder.path()) ==
        folder.path("other.pb") + ": its schema/goods.proto says something else than the one in " +
            folder.path("goods.pb") + "; make both from the same files");
  CHECK(failure({folder.path("broken.pb")}) == "descriptor set: b.proto: M.f: \".no.Such\" is not defined.");
}

TEST_CASE("what a set does not have is refused with what it has", "[schema]") {
  Folder folder;
  auto schema = load({make_set(folder, "goods.pb", "schema/goods.proto schema/shop.proto")});
  CHECK(schema->method("shop.Shopp/Order").error().message == "no service 'shop.Shopp' (did you mean 'shop.Shop'?)");
  CHECK(schema->method("zzz.Q/Order").error().message == "no service 'zzz.Q' (the set has: shop.Shop)");
  CHECK(schema->method("shop.Shop/Ordr").error().message ==
        "service shop.Shop has no method 'Ordr' (it has: Order, Chat, Browse)");
}
