// Schema::describe: the text people know from grpcurl.
#include "catch.h"
#include "lgen/schema.h"

using namespace lgen;

namespace {

std::unique_ptr<Schema> shop() {
  auto schema = Schema::from_files({{"schema/shop.proto", "schema/legacy.proto"}, {}, LGEN_TEST_DATA, {}});
  INFO((schema.ok() ? "" : schema.error().message));
  REQUIRE(schema.ok());
  return *std::move(schema);
}

}  // namespace

TEST_CASE("every kind of element is described by its .proto text", "[schema]") {
  auto schema = shop();
  const std::pair<const char*, const char*> rows[] = {
      {"shop.Shop",
       R"(shop.Shop is a service:
// Sells things.
//
// Open day and night.
service Shop {
  rpc Browse ( .shop.Note ) returns ( stream .shop.Item );
  rpc Chat ( stream .shop.Note ) returns ( stream .shop.Note ) {
    option deprecated = true;
  }
  // One order, one receipt.
  rpc Order ( .shop.OrderRequest ) returns ( .shop.Receipt );
})"},
      {"shop.Shop.Order",
       R"(shop.Shop.Order is a method:
// One order, one receipt.
rpc Order ( .shop.OrderRequest ) returns ( .shop.Receipt );)"},
      {"shop.OrderRequest",
       R"(shop.OrderRequest is a message:
message OrderRequest {
  // Who pays.
  string customer = 1;
  oneof payment {
    string card = 2;
    int64 voucher = 7;
  }
  optional double tip = 3 [deprecated = true];
  repeated .shop.Item items = 4;
  map<string, .shop.Item> extras = 5;
  .google.protobuf.Timestamp at = 6;
  .shop.OrderRequest.Size size = 8 [json_name = "howBig"];
  .shop.OrderRequest.Address address = 9;
  message Address {
    string street = 1;
  }
  enum Size {
    option allow_alias = true;
    SIZE_UNKNOWN = 0;
    LARGE = 2;
    SMALL = 1;
    BIG = 2 [deprecated = true];
    reserved 5, 9 to max;
    reserved "HUGE";
  }
  reserved 20, 100 to 110;
  reserved "coupon", "price";
})"},
      {"shop.OrderRequest.customer", "shop.OrderRequest.customer is a field:\n// Who pays.\nstring customer = 1;"},
      {"shop.OrderRequest.payment",
       "shop.OrderRequest.payment is a one-of:\noneof payment {\n  string card = 2;\n  int64 voucher = 7;\n}"},
      {"shop.OrderRequest.ExtrasEntry",
       "shop.OrderRequest.ExtrasEntry is the entry type for a map field:\nmap<string, .shop.Item> extras = 5;"},
      {"shop.OrderRequest.Size.LARGE", "shop.OrderRequest.Size.LARGE is an enum value:\nLARGE = 2;"},
      {"shop.OrderRequest.LARGE", "shop.OrderRequest.Size.LARGE is an enum value:\nLARGE = 2;"},
      {"shop.OrderRequest.Size",
       R"(shop.OrderRequest.Size is an enum:
enum Size {
  option allow_alias = true;
  SIZE_UNKNOWN = 0;
  LARGE = 2;
  SMALL = 1;
  BIG = 2 [deprecated = true];
  reserved 5, 9 to max;
  reserved "HUGE";
})"},
      {"shop.legacy.Grade",  // proto2: the first value is the default
       "shop.legacy.Grade is an enum:\nenum Grade {\n  FINE = 3;\n  POOR = -1;\n  FAIR = 0;\n}"},
      {"shop.legacy.Box",
       R"(shop.legacy.Box is a message:
message Box {
  required string label = 1;
  optional int32 weight = 2 [default = -3, (.shop.legacy.unit) = "kg"];
  optional bytes seal = 3 [default = "a\001\"b"];
  optional string note = 4 [default = "say \"hi\""];
  repeated group Part = 5 {
    optional string name = 1;
  }
  extensions 100 to 199, 1000 to max;
})"},
      {"shop.legacy.Box.Part",
       "shop.legacy.Box.Part is the type of a group field:\nrepeated group Part = 5 {\n  optional string name = 1;\n}"},
      {"shop.legacy.Box.part",
       "shop.legacy.Box.part is a group field:\nrepeated group Part = 5 {\n  optional string name = 1;\n}"},
      {"shop.legacy.colour",
       "shop.legacy.colour is an extension:\nextend .shop.legacy.Box {\n  optional string colour = 100;\n}"},
  };
  for (const auto& [symbol, text] : rows) {
    CAPTURE(symbol);
    const auto described = schema->describe(symbol);
    REQUIRE(described.ok());
    CHECK(*described == text);
  }
}

TEST_CASE("a symbol may be written with a leading dot, a method with a slash", "[schema]") {
  auto schema = shop();
  const std::string method = *schema->describe("shop.Shop.Order");
  for (const char* name : {".shop.Shop.Order", "shop.Shop/Order", "/shop.Shop/Order"}) {
    CHECK(*schema->describe(name) == method);
  }
}

TEST_CASE("a symbol that does not exist is refused with what there is", "[schema]") {
  auto schema = shop();
  const std::pair<const char*, const char*> rows[] = {
      {"", "the name is empty; write \"package.Service\""},
      {"shop.Sop", "no service, type or other symbol 'shop.Sop' (did you mean 'shop.Shop'?)"},
      {"Item", "no service, type or other symbol 'Item' (did you mean 'shop.Item'?)"},
      {"shop.Shop.Ordr", "service shop.Shop has no method 'Ordr' (it has: Order, Chat, Browse)"},
      {"shop.Item.nam", "message shop.Item has no field 'nam' (did you mean 'name'?)"},
      {"shop.Item.zzzzzz", "message shop.Item has no field 'zzzzzz' (it has: name, count)"},
      {"shop.OrderRequest.Size.LARG", "enum shop.OrderRequest.Size has no value 'LARG' (did you mean 'LARGE'?)"},
      {"zzz",
       "no service, type or other symbol 'zzz' (the files have: shop.Shop, google.protobuf.DescriptorProto, "
       "google.protobuf.DescriptorProto.ExtensionRange, google.protobuf.DescriptorProto.ReservedRange, "
       "google.protobuf.EnumDescriptorProto, google.protobuf.EnumDescriptorProto.EnumReservedRange, "
       "google.protobuf.EnumOptions, google.protobuf.EnumValueDescriptorProto, "
       "google.protobuf.EnumValueOptions, google.protobuf.ExtensionRangeOptions, "
       "google.protobuf.FieldDescriptorProto, google.protobuf.FieldOptions and 32 more)"},
  };
  for (const auto& [symbol, text] : rows) {
    CAPTURE(symbol);
    const auto described = schema->describe(symbol);
    REQUIRE_FALSE(described.ok());
    CHECK(described.error().message == text);
  }
}
