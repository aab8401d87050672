"""Reflection of a server of another make: Python's grpcio, which speaks v1alpha only and sends one file an answer."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import grpc
from google.protobuf import descriptor_pb2

import grpc_peer
import lgen
import protos
from programs import Program, binary
from waiting import eventually

wire = protos.messages("reflection_v1alpha")
SERVICE = "grpc.reflection.v1alpha.ServerReflection"
ECHO, SHOP = "lgen.echo.Echo", "shop.Shop"

FILES = {
    "shop.proto": 'syntax = "proto3"; package shop; import public "goods.proto"; import "left.proto";'
                  'service Shop { rpc Order(Item) returns (Left); }',
    "left.proto": 'syntax = "proto3"; package shop; import "goods.proto"; message Left { Item item = 1; }',
    "goods.proto": 'syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";'
                   'message Item { string name = 1; google.protobuf.Timestamp at = 2; }',
}

PLAN = """local lgen = require "lgen"
local ch = lgen.grpc.channel("main", lgen.target)
local api = lgen.proto { reflection = ch }
local Unary = api:method "lgen.echo.Echo/Unary"
lgen.scenario("s", { load = lgen.load.per_vu_iterations { vus = 2, iterations = 5 }, run = function(vu)
  local reply = assert(ch:call(Unary, { payload = "x" .. vu.id }))
  lgen.check("echoed", reply.payload == "x" .. vu.id)
  lgen.check("imports are known", #api:message("shop.Left", { item = { name = "n" } }).bytes == 5)
end })
"""


def descriptors(folder):
    """FileDescriptorProto by name, of FILES and echo.proto, without protobuf's own."""
    for name, text in FILES.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    out = os.path.join(folder, "all.pb")
    subprocess.run(["protoc", "-I", folder, "-I", protos.PROTO_DIR, "--descriptor_set_out", out, *FILES, "echo.proto"],
                   check=True)
    with open(out, "rb") as file:
        return {one.name: one for one in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file}


class Reflection:
    """Answers from `files`, or, `silent`, never; `asked` collects the questions."""

    def __init__(self, files):
        self.files, self.asked, self.silent = files, [], False
        self.services = {f"{one.package}.{service.name}": name for name, one in files.items() for service in one.service}

    def handler(self):
        return grpc.method_handlers_generic_handler(SERVICE, {
            "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
                self._converse, wire.ServerReflectionRequest.FromString,
                wire.ServerReflectionResponse.SerializeToString)})

    def _converse(self, requests, _context):
        for request in requests:
            kind = request.WhichOneof("message_request")
            self.asked.append((kind, getattr(request, kind)))
            if not self.silent:
                yield self._answer(request, kind)

    def _answer(self, request, kind):
        answer = wire.ServerReflectionResponse(original_request=request)
        if kind == "list_services":
            for name in self.services:
                answer.list_services_response.service.add(name=name)
            return answer
        name = getattr(request, kind)
        file = self.files.get(self.services.get(name, "") if kind == "file_containing_symbol" else name)
        if file is None:
            answer.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
            answer.error_response.error_message = f"{name} not found"
        else:
            answer.file_descriptor_response.file_descriptor_proto.append(file.SerializeToString())
        return answer


class ReflectionOfGrpcio(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lgen-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.reflection = Reflection(descriptors(self.folder))
        self.peer = grpc_peer.Peer(handlers=[self.reflection.handler()])
        self.addCleanup(self.peer.__exit__)

    def lgen(self, *words):
        done = subprocess.run([binary("lgen"), *words], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_each_file_is_asked_for_once(self):
        self.assertEqual(self.lgen("list", self.peer.target).split(), [ECHO, SHOP])
        self.assertEqual(self.lgen("describe", self.peer.target, SHOP),
                         "shop.Shop is a service:\nservice Shop {\n  rpc Order ( .shop.Item ) returns ( .shop.Left );\n}\n")
        questions = [("list_services", "*"), ("file_containing_symbol", ECHO), ("file_containing_symbol", SHOP),
                     ("file_by_filename", "goods.proto"), ("file_by_filename", "left.proto")]
        self.assertEqual(self.reflection.asked, 2 * questions)

    def test_a_plan_on_it(self):
        plan = os.path.join(self.folder, "plan.lua")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(PLAN)
        ran = lgen.run(plan, "--target", self.peer.target)
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        self.assertEqual(len(self.peer.seen), 10)

    def test_what_is_asked_can_be_traced(self):
        plan = os.path.join(self.folder, "plan.lua")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(PLAN.replace("lgen.target)", 'lgen.target, { metadata = { ["x-key"] = "7" } })'))
        ran = lgen.run(plan, "--target", self.peer.target, "--trace")
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        head = "trace reflection on channel main: "
        traced = [line.removeprefix(head) for line in ran.stderr.splitlines() if line.startswith(head)]
        self.assertEqual(traced[:7], [
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", '> metadata {["x-key"] = "7"}',
            "> list_services", "< status UNIMPLEMENTED: Method not found!",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", '> metadata {["x-key"] = "7"}',
            "> list_services"])
        self.assertIn(traced[7], [f"< services {ECHO}, {SHOP}", f"< services {SHOP}, {ECHO}"])
        self.assertIn(f"> file_containing_symbol {SHOP}", traced)
        self.assertRegex("\n".join(traced), r"\n< 1 file of \d+ bytes\n")
        self.assertEqual(traced[-1], "< status OK")
        self.assertIn("trace #1 lgen.echo.Echo/Unary on channel main", ran.stderr)  # the first call is the plan's

    def test_methods_the_server_does_not_have(self):
        plan = os.path.join(self.folder, "plan.lua")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(PLAN.replace('"lgen.echo.Echo/Unary"', '"lgen.echo.Echo/Unry"\napi:method "shop.Shop/Oder"'))
        ran = lgen.run(plan, "--target", self.peer.target)
        self.assertEqual((ran.code, ran.stdout.strip()), (104, ""), ran.stderr)  # no report
        self.assertIn(f"lgen: {plan}:4: api:method: service lgen.echo.Echo has no method 'Unry' ", ran.stderr)
        self.assertIn(f"\nlgen: {plan}:5: api:method: service shop.Shop has no method 'Oder' ", ran.stderr)

    def test_a_server_that_keeps_silent_can_be_left(self):
        self.reflection.silent = True
        plan = os.path.join(self.folder, "plan.lua")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(PLAN)
        with Program([binary("lgen"), plan, "--target", self.peer.target]) as run:
            eventually(lambda: self.reflection.asked, "the first question")
            self.assertEqual(run.stop(signal.SIGINT), lgen.STOPPED)
        self.assertEqual(self.peer.seen, [])


if __name__ == "__main__":
    unittest.main()
