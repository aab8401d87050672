"""`lgen new` and `lgen types`: from a schema to a plan, and to what an editor knows of it."""

import json
import os
import re
import shutil
import subprocess

from google.protobuf import descriptor_pb2
from lgen import REPOSITORY
from lgen_runs import LgenCase
from programs import Server, binary
from waiting import dead_target

PROTOS = os.path.join(REPOSITORY, "tests", "data")
EVERYTHING = os.path.join(PROTOS, "codec", "everything.proto")
IN_TREE = os.path.join(REPOSITORY, "bindings", "meta")


class NewTest(LgenCase):
    def test_a_plan_for_every_kind_of_method_runs_as_it_is(self):
        with Server() as server:
            for kind in ("Unary", "ClientStream", "ServerStream", "BidiStream"):
                with self.subTest(kind):
                    self.check(self.run_words("new", "plan.lua", f"lgen.echo.Echo/{kind}", "--proto", "echo.proto",
                                              "--force"), 0)
                    self.check(self.run_words("check", "plan.lua"), 0)
                    ended = self.run_plan("plan.lua", "--target", server.target, "--duration", "200ms", "--vus", "2",
                                          "--validity", "warn")
                    self.assertGreater(ended.summary["checks"][0]["passes"], 0, ended)
                    self.assertEqual(ended.summary["checks"][0]["fails"], 0, ended)

    def test_every_type_of_field(self):
        self.write("all.proto", 'syntax = "proto3"; package a; import "codec/everything.proto"; '
                   "service S { rpc Do(everything.Root) returns (everything.Root);"
                   " rpc Known(everything.WellKnown) returns (everything.Root); }")
        for method in ("Do", "Known"):
            self.check(self.run_words("new", f"{method}.lua", f"a.S/{method}", "--proto", "all.proto", "-i", PROTOS), 0)
            self.check(self.run_words("check", f"{method}.lua"), 0)
        with open(self.path("Do.lua"), encoding="utf-8") as file:
            text = file.read()
        for line in ("an_int64 = 0,  -- int64", "by_int32 = { [0] = \"text\" },  -- map of int32 to string",
                     "at = 0,  -- google.protobuf.Timestamp, in seconds",
                     "number = 0,  -- int32; or instead: text (string), scalars (everything.Scalars), "
                     "color (everything.Color), blob (bytes)"):
            self.assertIn(line, text)
        self.assertRegex(text, r'a_color = "\w+",  -- everything.Color: \w+, \w+')

    def test_paths_are_the_plans(self):
        os.makedirs(self.path("plans"))
        os.makedirs(self.path("protos/deep"))
        self.write("protos/deep/t.proto", 'syntax = "proto3"; message T {}')
        self.write("protos/s.proto", 'syntax = "proto3"; import "t.proto"; service S { rpc Do(T) returns (T); }')
        self.check(self.run_words("new", "plans/p.lua", "S/Do", "--proto", "protos/s.proto", "--import-paths",
                                  "protos/deep"), 0)
        with open(self.path("plans/p.lua"), encoding="utf-8") as file:
            self.assertIn('{ files = { "../protos/s.proto" }, import_paths = { "../protos/deep" } }', file.read())
        self.check(self.run_words("check", "plans/p.lua"), 0)
        self.assertTrue(os.path.exists(self.path("plans/.luarc.json")))

    def test_types_by_reflection_or_from_a_descriptor_set(self):
        with Server() as server:
            self.check(self.run_words("new", "p.lua", "hello.Hello/SayHello", "--target", server.target), 0)
            ended = self.run_plan("p.lua", "--target", server.target, "--duration", "100ms", "--validity", "warn")
            self.assertEqual(ended.summary["checks"][0]["fails"], 0, ended)
            self.check(self.run_words("describe", server.target, "hello.Hello", "-protoset-out", "types.pb"), 0)
            for words in (["o.lua", server.target, "hello.Hello/SayHello"], [server.target, "hello.Hello/SayHello", "o.lua"]):
                self.check(self.run_words("new", *words, "--force"), 0)
                self.check(self.run_words("check", "o.lua"), 0)
        self.check(self.run_words("new", "q.lua", "hello.Hello/SayHello", "--protoset", "types.pb"), 0)
        self.check(self.run_words("check", "q.lua"), 0)
        ended = self.run_words("new", "r.lua", "a.B/C", "--target", self.enterContext(dead_target()), "--wait-ready", "1s")
        self.check(ended, 99, "nothing listens there")

    def test_what_the_plan_leaves_out_is_named(self):
        self.write("tree.proto", """syntax = "proto3"; package t; import "google/protobuf/any.proto";
            message Tree { string name = 1; repeated Tree children = 2; google.protobuf.Any extra = 3; }
            message In { Tree tree = 1; } service S { rpc Do(In) returns (In); }""")
        self.check(self.run_words("new", "tree.lua", "t.S/Do", "--proto", "tree.proto"), 0)
        with open(self.path("tree.lua"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("--   tree.children (list of t.Tree)\n--   tree.extra (google.protobuf.Any)\nlocal request", text)
        self.check(self.run_words("check", "tree.lua"), 0)
        self.check(self.new(), 0)
        with open(self.path("plan.lua"), encoding="utf-8") as file:
            self.assertNotIn("Not shown", file.read())

    def test_the_command_it_prints_has_the_options_that_reach_the_server(self):
        ended = self.new("--target", "localhost:1", "--tls", "--ca", "ca.pem", "--server-name", "a.example")
        self.assertIn("lgen plan.lua --target localhost:1 --tls --ca ca.pem --server-name a.example\n", ended.out)

    def new(self, *words):
        return self.run_words("new", "plan.lua", "hello.Hello/SayHello", "--proto", "hello.proto", *words)

    def settings(self):
        with open(self.path(".luarc.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_the_editor_finds_lgens_functions(self):
        self.check(self.new(), 0)
        self.assertEqual(self.settings()["workspace.library"], [IN_TREE])
        self.assertEqual(self.settings()["runtime.version"], "LuaJIT")

    def test_the_editor_finds_those_of_an_installed_lgen(self):
        os.makedirs(self.path("prefix/bin"))
        os.makedirs(self.path("prefix/share/lgen/meta"))
        shutil.copy(binary("lgen"), self.path("prefix/bin/lgen"))
        self.write("prefix/share/lgen/meta/lgen.d.lua", "")
        subprocess.run([self.path("prefix/bin/lgen"), "new", "p.lua", "hello.Hello/SayHello", "--proto", "hello.proto"],
                       cwd=self.folder, check=True, capture_output=True)
        self.assertEqual(self.settings()["workspace.library"],
                         [os.path.realpath(self.path("prefix/share/lgen/meta"))])

    def test_an_lgen_without_its_editor_file_says_so(self):
        os.makedirs(self.path("alone/bin"))
        lgen = shutil.copy(binary("lgen"), self.path("alone/bin/lgen"))
        done = subprocess.run([lgen, "new", "p.lua", "hello.Hello/SayHello", "--proto", "hello.proto"], cwd=self.folder,
                              check=True, capture_output=True, text=True)
        meta = os.path.realpath(self.path("alone/share/lgen/meta"))
        self.assertIn(f"lgen: new: no .luarc.json written, with which editors would know lgen's functions: lgen.d.lua is "
                      f"neither in {meta} nor in a source tree around ", done.stderr)
        self.assertIn("Install lgen with its share/lgen", done.stderr)
        self.assertFalse(os.path.exists(self.path(".luarc.json")))

    def test_nothing_is_overwritten_unasked(self):
        self.write("plan.lua", "mine")
        self.write(".luarc.json", "{}")
        self.check(self.new(), 104, "new: plan.lua is already there; --force overwrites it")
        self.check(self.new("--force"), 0)
        self.check(self.new("-f"), 0)
        self.check(self.run_words("check", "plan.lua"), 0)
        self.assertEqual(self.settings(), {})

    def test_what_lgen_refuses(self):
        rows = [
            ([], "new: which plan, which method? lgen new PLAN.lua HOST:PORT pkg.Svc/Method; `lgen list HOST:PORT` names"),
            (["p.lua"], "new: which method? lgen new PLAN.lua HOST:PORT pkg.Svc/Method"),
            (["p.lua", "h:1"], "new: which method? lgen new PLAN.lua h:1 pkg.Svc/Method; `lgen list h:1` names the methods"),
            (["a.B/C", "h:1"], "new: which plan? lgen new PLAN.lua h:1 pkg.Svc/Method"),
            (["p.lua", "h:1", "a.B/C", "--target", "h:2"], "new: --target: h:1 is given, too"),
            (["p.lua", "h:0", "a.B/C"], "new: 'h:0' has no port within 1..65535"),
            (["p.lua", "a.B/C", "--vus", "3"], "new: unknown option --vus"),
            (["p.lua", "a.B/C", "--out", "json=x"], "new: unknown option --out"),
            (["p.lua", "a.B/C"], "new: where are the types of a.B/C? lgen new p.lua HOST:PORT a.B/C asks the server, --proto FILE or "
             "--protoset FILE reads them"),
            (["a.B/C", "p.lua"], "new: where are the types of a.B/C? lgen new p.lua HOST:PORT a.B/C asks the server"),
            (["p.lua", "hello.Hello/X", "--proto", "hello.proto"], "new: service hello.Hello has no method 'X'"),
            (["no/such/p.lua", "hello.Hello/SayHello", "--proto", "hello.proto"], "cannot write no/such/p.lua"),
            (["p.lua", "a.B/C", "--proto", "nope.proto"], "new: nope.proto: no such file"),
            (["p.lua", "a.B/C", "--poto", "x"], "new: unknown option --poto (did you mean '--proto'?)"),
        ]
        for words, message in rows:
            with self.subTest(words):
                self.check(self.run_words("new", *words), 104, message)


class HelpTest(LgenCase):
    def test_only_options_that_mean_something(self):
        of_new = set(re.findall(r"^  (?:-\w, )?--([\w-]+)", self.run_words("new", "--help").out, re.MULTILINE))
        self.assertEqual(of_new, {"proto", "import-paths", "protoset", "force", "target", "transport", "tls", "plaintext", "ca",
                                  "cert", "help", "key", "server-name", "skip-verify", "authority", "proxy", "wait-ready"})
        of_types = set(re.findall(r"^  (?:-\w, )?--([\w-]+)", self.run_words("types", "--help").out, re.MULTILINE))
        self.assertEqual(of_types, {"proto", "import-paths", "protoset", "output", "help"})


class SpellingTest(LgenCase):
    """ghz says --import-paths and grpcurl -import-path: every command understands both."""

    def test_every_command_takes_every_spelling(self):
        os.makedirs(self.path("one/deep"))
        os.makedirs(self.path("two"))
        self.write("one/deep/t.proto", 'syntax = "proto3"; message T {}')
        self.write("two/u.proto", 'syntax = "proto3"; message U {}')
        self.write("s.proto", 'syntax = "proto3"; import "t.proto"; import "u.proto"; service S { rpc Do(T) returns (U); }')
        commands = [["list", "S"], ["describe", "S.Do"], ["new", "p.lua", "S/Do", "--force"], ["types"],
                    ["bench", "h:1", "S/Do", "--print-plan"], ["call", "127.0.0.1:1", "S/Do", "-d", "{}"]]
        for command in commands:
            for proto in (["--proto", "s.proto"], ["-proto", "s.proto"], ["-proto=s.proto"]):
                for dashes in ("-", "--"):
                    for paths in ([f"{dashes}import-paths", "one/deep,two"],
                                  [f"{dashes}import-path", "one/deep", f"{dashes}import-path=two"]):
                        with self.subTest(command=command, proto=proto, paths=paths):
                            ended = self.run_words(*command, *proto, *paths)
                            if command[0] == "call":  # the schema is read before anything is dialled
                                self.check(ended, 64 + 14, "nothing listens there")
                            else:
                                self.check(ended, 0)


class TypesTest(LgenCase):
    def described(self, *files):
        """{message: [fields]} and {enum: [values]}, as protoc has them."""
        out = self.path("set.pb")
        subprocess.run(["protoc", "-I", PROTOS, "--include_imports", "--descriptor_set_out", out, *files], check=True)
        descriptors = descriptor_pb2.FileDescriptorSet()
        with open(out, "rb") as file:
            descriptors.ParseFromString(file.read())
        messages, enums = {}, {}

        def add(prefix, message):
            name = f"{prefix}.{message.name}"
            if not message.options.map_entry:
                messages[name] = [field.name for field in message.field]
            enums.update({f"{name}.{enum.name}": [value.name for value in enum.value] for enum in message.enum_type})
            for nested in message.nested_type:
                add(name, nested)

        for file in descriptors.file:
            if file.package != "google.protobuf":
                enums.update({f"{file.package}.{enum.name}": [value.name for value in enum.value]
                              for enum in file.enum_type})
                for message in file.message_type:
                    add(file.package, message)
        return messages, enums

    def test_all_messages_and_enums_with_their_fields_and_values(self):
        self.check(self.run_words("types", EVERYTHING, "-i", PROTOS, "-o", "types.d.lua"), 0)
        with open(self.path("types.d.lua"), encoding="utf-8") as file:
            text = file.read()
        classes, aliases = {}, {}
        for block in text.split("\n\n")[1:]:
            kind, name = re.match(r"---@(class|alias) (\S+)", block).groups()
            if kind == "class":
                classes[name] = re.findall(r"^---@field (\w+)\??", block, re.MULTILINE)
            else:
                aliases[name] = re.findall(r'^---\| "(\w+)"', block, re.MULTILINE)
        messages, enums = self.described("codec/everything.proto")
        ours = {name: fields for name, fields in classes.items() if not name.startswith("google.")}
        self.assertEqual(ours, messages)
        self.assertEqual({name: values for name, values in aliases.items() if not name.startswith("google.")}, enums)
        for line in ("---@field an_int64? integer int64", "---@field strings string[]", "---@field at? number google",
                     "---@field by_int32 table<integer, string> map of int32 to string", "---@field root? everything.Root",
                     "---@field number? integer int32, oneof choice", "---@field a_color everything.Color"):
            self.assertIn(line, text)

    def test_every_type_named_is_declared(self):
        text = self.run_words("types", EVERYTHING, "--import-paths", PROTOS).out
        declared = set(re.findall(r"^---@(?:class|alias) (\S+)", text, re.MULTILINE))
        used = set(re.findall(r"[\w.]*\w\.\w[\w.]*", " ".join(re.findall(r"^---@field \S+ (\S+(?: \S+>)?)", text, re.MULTILINE))))
        self.assertEqual(used - declared, set())

    def test_the_file_is_lua_and_names_what_a_plan_has(self):
        self.check(self.run_words("types", EVERYTHING, "-i", PROTOS, "--output", "types.d.lua"), 0)
        self.plan(f"""
local api = lgen.proto {{ files = {{ "{EVERYTHING}" }}, import_paths = {{ "{PROTOS}" }} }}
assert(loadfile("types.d.lua"))()
local text = io.open("types.d.lua"):read "*a"
for _, name in ipairs(api:types()) do
  if not name:find("^google") then assert(text:find("---@class " .. name .. "\\n", 1, true), name) end
end
""")
        self.check(self.run_words("check", "plan.lua"), 0)

    def test_a_descriptor_set(self):
        self.described("codec/everything.proto")
        self.assertEqual(self.run_words("types", "--protoset", "set.pb").out,
                         self.run_words("types", EVERYTHING, "-i", PROTOS).out)

    def test_what_lgen_refuses(self):
        self.check(self.run_words("types"), 104, "types: which schema? lgen types FILE.proto...")
        self.check(self.run_words("types", "x.proto", "--vus", "3"), 104, "types: unknown option --vus")
        self.check(self.run_words("types", "x.proto", "--out", "json=x"), 104, "types: unknown option --out")
        self.check(self.run_words("types", "nope.proto"), 104, "types: nope.proto: no such file")
        self.write("bad.proto", "syntax = 'proto3'; message {")
        self.check(self.run_words("types", "bad.proto"), 104, "bad.proto:1:")
