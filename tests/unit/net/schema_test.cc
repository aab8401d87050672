#include "lgen/schema.h"

#include "catch.h"
#include "folder.h"

using namespace lgen;
using lgen::test::Folder;

namespace {

constexpr EmbeddedFile kBundled[] = {
    {"proto/streaming.proto",
     "syntax = \"proto3\"; package streaming;"
     "message TextRequest { string message = 1; int32 channel_id = 2; string client_id = 3; }"
     "message TextResponse { int32 message_count = 1; }"
     "service Streamer { rpc ProcessTextStream(stream TextRequest) returns (TextResponse); }"},
    {"proto/lgen/inner.proto", "syntax = \"proto3\"; package lgen; message Inner {}"},
};

std::string proto(const std::string& body) { return "syntax = \"proto3\";\n" + body; }

std::unique_ptr<Schema> load(ProtoFiles sources) {
  auto schema = Schema::from_files(sources);
  INFO((schema.ok() ? "" : schema.error().message));
  REQUIRE(schema.ok());
  return *std::move(schema);
}

std::string failure(const ProtoFiles& sources) {
  auto schema = Schema::from_files(sources);
  return schema.ok() ? "" : schema.error().message;
}

}  // namespace

TEST_CASE("the bundled files are found without import paths", "[schema]") {
  auto schema = load({{"streaming.proto", "lgen/inner.proto"}, {}, "/", kBundled});
  CHECK(schema->services() == std::vector<std::string>{"streaming.Streamer"});
  CHECK(schema->messages() ==
        std::vector<std::string>{"lgen.Inner", "streaming.TextRequest", "streaming.TextResponse"});
}

TEST_CASE("a file on disk goes before a bundled one of that name", "[schema]") {
  Folder folder;
  folder.write("streaming.proto", proto("package mine; message Other {}"));
  auto schema = load({{"streaming.proto"}, {}, folder.path(), kBundled});
  CHECK(schema->messages() == std::vector<std::string>{"mine.Other"});
}

TEST_CASE("a method is found by any of its names", "[schema]") {
  auto schema = load({{"streaming.proto"}, {}, "", kBundled});
  for (const char* name : {"streaming.Streamer/ProcessTextStream", "streaming.Streamer.ProcessTextStream",
                           "/streaming.Streamer/ProcessTextStream", "/streaming.Streamer.ProcessTextStream"}) {
    CAPTURE(name);
    auto method = schema->method(name);
    REQUIRE(method.ok());
    CHECK((*method)->name == "streaming.Streamer/ProcessTextStream");
    CHECK((*method)->path == "/streaming.Streamer/ProcessTextStream");
    CHECK((*method)->kind == MethodKind::client);
    CHECK((*method)->input->name == "streaming.TextRequest");
    CHECK((*method)->output->name == "streaming.TextResponse");
  }
}

TEST_CASE("all kinds of methods are told apart", "[schema]") {
  auto schema = load({{"codec/everything.proto"}, {}, LGEN_TEST_DATA, {}});
  const std::pair<const char*, const char*> rows[] = {
      {"Unary", "unary"}, {"Client", "client"}, {"Server", "server"}, {"Bidi", "bidi"}};
  for (const auto& [method, kind] : rows) {
    CHECK(to_string((*schema->method(std::string("everything.Everything/") + method))->kind) == kind);
  }
  CHECK(schema->methods().size() == 4);
}

TEST_CASE("what does not exist is refused with what there is", "[schema]") {
  auto schema = load({{"streaming.proto"}, {}, "", kBundled});
  CHECK(schema->method("streaming.Streamer/ProcessTextStrem").error().message ==
        "service streaming.Streamer has no method 'ProcessTextStrem' (it has: ProcessTextStream)");
  CHECK(schema->method("streaming.Streamr/ProcessTextStream").error().message ==
        "no service 'streaming.Streamr' (did you mean 'streaming.Streamer'?)");
  CHECK(schema->method("Streamer/ProcessTextStream").error().message ==
        "no service 'Streamer' (did you mean 'streaming.Streamer'?)");
  CHECK(schema->method("zzz.Q/X").error().message == "no service 'zzz.Q' (the files have: streaming.Streamer)");
  CHECK(schema->message("streaming.TextReqest").error().message ==
        "no message type 'streaming.TextReqest' (did you mean 'streaming.TextRequest'?)");
  CHECK(schema->enumeration("Color").error().message == "no enum 'Color' (the files have: none)");
  for (const char* name : {"", "/", "Method", "a.Service/", "/Method"}) {
    CAPTURE(name);
    CHECK(schema->method(name).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("types that come with protobuf need no import path", "[schema]") {
  Folder folder;
  std::string text;
  for (const char* name : {"any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct",
                           "timestamp", "type", "wrappers"}) {
    text += std::string("import public \"google/protobuf/") + name + ".proto\";\n";
  }
  folder.write("x.proto", proto(text + "message X { google.protobuf.Timestamp at = 1; google.protobuf.Any any = 2; }"));
  auto schema = load({{"x.proto"}, {}, folder.path(), {}});
  CHECK((*schema->message("google.protobuf.Struct"))->fields[0].shape == FieldShape::map);
}

TEST_CASE("imports are found below import paths, the plan's folder and the listed file's folder", "[schema]") {
  Folder folder;
  folder.write("protos/a.proto", proto("import \"b.proto\"; import \"far/c.proto\"; message A { B b = 1; C c = 2; }"));
  folder.write("protos/b.proto", proto("message B {}"));
  folder.write("other/far/c.proto", proto("message C {}"));
  auto schema = load({{"protos/a.proto"}, {"other"}, folder.path(), {}});
  CHECK(schema->messages() == std::vector<std::string>{"A", "B", "C"});
  CHECK(load({{folder.path("protos/a.proto")}, {folder.path("other")}, "/", {}})->messages().size() == 3);
  CHECK(load({{"../protos/a.proto"}, {"../other"}, folder.path("other"), {}})->messages().size() == 3);
}

TEST_CASE("a file that is listed under one name and imported under another is one file", "[schema]") {
  Folder folder;
  folder.write("protos/a.proto", proto("import \"b.proto\"; message A { B b = 1; }"));
  folder.write("protos/b.proto", proto("message B {}"));
  for (const auto& files : {std::vector<std::string>{"protos/a.proto", "protos/b.proto"},
                            std::vector<std::string>{"protos/b.proto", "protos/a.proto"}}) {
    CHECK(load({files, {}, folder.path(), {}})->messages() == std::vector<std::string>{"A", "B"});
  }
}

TEST_CASE("an error in a file is reported with its place", "[schema]") {
  Folder folder;
  folder.write("syntax.proto", proto("message X {\n  int32 a 1;\n}\n"));
  folder.write("undefined.proto", proto("message X {\n  Missing m = 1;\n}\n"));
  folder.write("importer.proto", proto("import \"nowhere.proto\";\n"));
  folder.write("twice.proto", proto("message X { int32 a = 1; int32 b = 1; }\n"));
  const auto message = [&](const std::string& file) { return failure({{file}, {"sub"}, folder.path(), {}}); };

  CHECK(message("syntax.proto") == folder.path("syntax.proto") + ":3:11: Missing field number.");
  CHECK(message("undefined.proto") == folder.path("undefined.proto") + ":3:3: \"Missing\" is not defined.");
  CHECK(message("twice.proto") ==
        folder.path("twice.proto") + ":2:36: Field number 1 has already been used in \"X\" by field \"a\".");
  CHECK(message("importer.proto") == folder.path("importer.proto") + ":2:1: nowhere.proto: no such file (searched " +
                                         folder.path("sub/") + ", " + folder.path("") +
                                         "/); give its folder in import_paths");
  CHECK(message("absent.proto") == "absent.proto: no such file (searched " + folder.path("sub/") + ", " +
                                       folder.path("") + "/); give its folder in import_paths");
  CHECK(message("").find("no such file") != std::string::npos);
  CHECK(failure({{}, {}, folder.path(), {}}) == "no .proto file is named; give at least one");
}

TEST_CASE("a plan holds what reading and writing need", "[schema]") {
  auto schema = load({{"codec/everything.proto"}, {}, LGEN_TEST_DATA, {}});
  const MessagePlan& root = **schema->message("everything.Root");
  CHECK(root.find("root")->message == &root);
  CHECK(root.find("nested")->message->name == "everything.Root.Nested");
  CHECK(root.fields[root.find_number(536870911)].name == "farthest");
  CHECK(root.find_number(5001) == MessagePlan::kNoField);
  CHECK(root.find("farthest")->tag_size == 5);
  CHECK(root.find("farthest")->tag == std::array<std::uint8_t, 5>{0xFA, 0xFF, 0xFF, 0xFF, 0x0F});

  const MessagePlan& lists = **schema->message("everything.Lists");
  CHECK(lists.find("int32s")->packed);
  CHECK_FALSE(lists.find("loose_int32s")->packed);
  CHECK_FALSE(lists.find("strings")->packed);
  CHECK(lists.find("int32s")->type_name() == "list of int32");
  CHECK((*schema->message("everything.Maps"))->find("by_uint64")->type_name() == "map of uint64 to everything.Color");

  const MessagePlan& choices = **schema->message("everything.Choices");
  REQUIRE(choices.oneofs.size() == 2);
  CHECK(choices.oneofs[0].name == "choice");
  CHECK(choices.oneofs[0].first == 1);
  CHECK(choices.oneofs[0].count == 5);
  CHECK((*schema->message("everything.Optionals"))->oneofs.empty());

  const MessagePlan& old = **schema->message("legacy.Old");
  CHECK(old.has_required);
  CHECK(old.find("mood")->closed_enum);
  CHECK(old.find("pair")->kind == FieldKind::group);
  CHECK(old.find("nothing") == nullptr);
}

TEST_CASE("an enum is looked up by name and by number, the first of two names wins", "[schema]") {
  auto schema = load({{"codec/everything.proto"}, {}, LGEN_TEST_DATA, {}});
  const EnumPlan& color = **schema->enumeration("everything.Color");
  CHECK(color.find("CRIMSON")->number == 1);
  CHECK(color.find(1)->name == "RED");
  CHECK(color.find(-7)->name == "INFRARED");
  CHECK(color.find(2) == nullptr);
  CHECK(color.find("BLUE") == nullptr);
  CHECK(schema->enums() == std::vector<std::string>{"everything.Color", "everything.Root.Nested.Level",
                                                    "google.protobuf.NullValue", "legacy.Mood", "legacy.Weather"});
}
