"""`lgen call`: the four kinds of calls, conversations, endings, and what it says when something is wrong."""

import base64
import json
import os
import signal
import subprocess

import grpc
from call_cases import ECHO_FILE, HELLO_FILE, CallCase, Conversation, Recorder
from grpc_peer import Peer
from lgen_runs import clean_environment
from peers import GrpcioEcho
from programs import Server, binary
from protos import PROTO_DIR
from raw_servers import Listener
from waiting import PATIENCE_SECONDS, dead_target
from web_server import WebServer

UNARY, CLIENT, SERVER, BIDI = (f"lgen.echo.Echo/{kind}Stream".replace("UnaryStream", "Unary")
                               for kind in ("Unary", "Client", "Server", "Bidi"))
HTML = b"<html><body>It works!</body></html>"
HTML_OVER_HTTP_1 = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(HTML), HTML)


class LgenServer(CallCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--pod", "pod-1"))
        cls.target = cls.server.target

    def called(self, method, *flags, data=None):
        ended = self.call(self.target, method, *flags, data=data)
        self.check(ended, 0)
        return self.replies(ended)


class Kinds(LgenServer):
    def test_unary(self):
        for method in ("hello.Hello/SayHello", "hello.Hello.SayHello", "/hello.Hello/SayHello"):
            ended = self.call(self.target, method, data={"name": "Ada"})
            self.check(ended, 0)
            self.assertEqual(ended.out,
                             '{\n  "name": "Ada",\n  "version": "v1-hellogrpc",\n  "hostname": "pod-1"\n}\n')

    def test_without_data_an_empty_message_is_sent_and_a_client_stream_is_empty(self):
        self.assertEqual(self.called(UNARY)[0]["messagesSeen"], "1")
        self.assertEqual(self.called(SERVER)[0]["messagesSeen"], "1")
        self.assertNotIn("messagesSeen", self.called(CLIENT)[0])
        self.assertEqual(self.called(BIDI), [])

    def test_client_stream(self):
        reply, = self.called(CLIENT, data='{"payload": "AAAA"}\n{"payload": "AAAA"} {}')
        self.assertEqual((reply["messagesSeen"], reply["payloadBytesSeen"]), ("3", "6"))
        self.assertEqual(self.called("streaming.Streamer/ProcessTextStream", data='{"message":"a"}{"message":"b"}'),
                         [{"messageCount": 2}])

    def test_server_stream(self):
        replies = self.called(SERVER, data={"replies": 3})
        self.assertEqual([reply["sequence"] for reply in replies], ["1", "2", "3"])

    def test_bidi(self):
        replies = self.called(BIDI, data='{"payload":"AAAA"}{"payload":"BBBB"}')
        self.assertEqual([reply["payload"] for reply in replies], ["AAAA", "BBBB"])

    def test_many_messages_through_pipes(self):
        """More than any buffer on the way holds, in both directions."""
        count, payload = 3000, "A" * 4000
        sent = "".join('{"payload": "%s"}\n' % payload for _ in range(count))
        done = subprocess.run([binary("lgen"), "call", "-d", "@", self.target, BIDI], input=sent, text=True,
                              capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count('"sequence"'), count)
        self.assertIn(f'"sequence": "{count}"', done.stdout)

    def test_standard_input_of_a_unary_call(self):
        for text, name in (('{"name": "Ada"}\n', "Ada"), ("", None), (" \n", None)):
            self.write("in.json", text)
            with open(self.path("in.json"), encoding="utf-8") as file:
                done = subprocess.run([binary("lgen"), "call", "-d", "@", self.target, "hello.Hello/SayHello"],
                                      stdin=file, text=True, capture_output=True, timeout=PATIENCE_SECONDS, check=True)
            self.assertEqual(('"name": "Ada"' in done.stdout), name == "Ada")


class Talk(LgenServer):
    def test_a_message_goes_out_as_soon_as_it_is_complete_and_its_reply_is_printed_at_once(self):
        with Conversation(self.target, BIDI) as talk:
            for number in (1, 2, 3):
                talk.write('{"payload": "AAA')
                talk.write('A"}')
                talk.out.wait_for(f'"sequence": "{number}"')
            self.assertEqual(talk.close(), 0)

    def test_the_server_may_end_it(self):
        with Conversation(self.target, BIDI) as talk:
            talk.write('{"statusCode": 9, "statusMessage": "enough"}')
            talk.err.wait_for("Message: enough")
            self.assertEqual(talk.process.wait(PATIENCE_SECONDS), 64 + 9)

    def test_a_message_that_does_not_fit_ends_it(self):
        with Conversation(self.target, BIDI) as talk:
            talk.write('{"payload": "AAAA"}\n')
            talk.out.wait_for('"sequence": "1"')
            talk.write('{"replySize": -1}\n')
            self.assertEqual(talk.process.wait(PATIENCE_SECONDS), 104)
            self.assertEqual(talk.err.all_until_end(),
                             ["lgen: -d @: message 2, from line 2: reply_size: -1 is no uint32"])

    def test_an_input_that_ends_inside_of_a_message(self):
        with Conversation(self.target, BIDI) as talk:
            talk.write('{"payload": ')
            self.assertEqual(talk.close(), 104)
            self.assertIn("lgen: -d @: no JSON: line 1, column 13: value - unexpected end of input", talk.err.all_until_end()[0])

    def test_ctrl_c_cancels(self):
        for number, word in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
            with Server() as server, Conversation(server.target, BIDI, "-v") as talk:
                talk.write("{}")
                talk.out.wait_for('"sequence": "1"')
                talk.process.send_signal(number)
                self.assertEqual(talk.process.wait(PATIENCE_SECONDS), 105)
                self.assertEqual(talk.err.all_until_end(), [f"lgen: {word}"])
                self.assertIn("Sent 1 request and received 1 response", talk.out.all_until_end())
                server.wait_for_metric('grpc_server_call_duration_seconds_count{grpc_method="lgen.echo.Echo/BidiStream"'
                                       ',grpc_status="CANCELLED"}', 1)

    def test_ctrl_c_while_a_unary_call_waits_for_its_input(self):
        with Conversation(self.target, UNARY, "-v") as talk:
            talk.out.wait_for("Connection: ")
            talk.process.send_signal(signal.SIGINT)
            self.assertEqual(talk.process.wait(PATIENCE_SECONDS), 105)

    def test_an_output_nobody_reads(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        try:
            ended = self.run_words("call", "-d", '{"replies": 100000}', self.target, SERVER, stdout=write_end)
        finally:
            os.close(write_end)
        self.assertEqual((ended.code, ended.message), (113, "lgen: standard output cannot be written"))

    def test_an_output_without_room(self):
        for words in (f"call {self.target} {UNARY}", f"describe {self.target}", f"list {self.target}",
                      f"types {PROTO_DIR}/echo.proto"):
            with self.subTest(words):
                ended = self.run_shell(f'"$LGEN" {words} > /dev/full')
                self.assertEqual(ended.code, 113)
                self.assertIn("No space left on device", ended.message)

    def test_an_output_that_is_closed_after_the_first_line(self):
        """`| head -1`, as shells run it: told once, in its own exit code, and never by a signal."""
        self.write("in.json", '{"payload": "%s"}' % ("A" * 4000) * 3000)
        for words in (f"call -d '{{\"replies\": 100000, \"replySize\": 1000}}' {self.target} {SERVER}",
                      f"call -d @ {self.target} {BIDI} < in.json"):
            ended = self.run_shell(f'"$LGEN" {words} | head -1; exit ${{PIPESTATUS[0]}}')
            self.assertEqual((ended.code, ended.out, ended.message),
                             (113, "{\n", "lgen: standard output cannot be written"))

    def test_an_output_that_is_closed_in_the_middle_of_a_conversation(self):
        with subprocess.Popen([binary("lgen"), "call", "-d", "@", self.target, BIDI], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as talk:
            self.addCleanup(talk.kill)
            talk.stdin.write("{}")
            talk.stdin.flush()
            self.assertEqual(talk.stdout.readline(), "{\n")
            talk.stdout.close()
            talk.stdin.write("{}")
            talk.stdin.flush()
            self.assertEqual(talk.wait(PATIENCE_SECONDS), 113)
            self.assertEqual(talk.stderr.read(), "lgen: standard output cannot be written\n")

    def test_ctrl_c_while_both_sides_are_busy(self):
        """Messages under way in either direction, replies being printed: the rest is dropped."""
        with Server() as server, Conversation(server.target, BIDI) as talk:
            talk.write('{"payload": "AAAA"}' * 200 + '{"delaySeconds": 60}')
            talk.out.wait_for('"sequence": "1"')
            talk.process.send_signal(signal.SIGINT)
            self.assertEqual(talk.process.wait(PATIENCE_SECONDS), 105)
            self.assertEqual(talk.err.all_until_end(), ["lgen: interrupted"])


class Failures(LgenServer):
    def test_status_codes(self):
        for code, name in ((1, "Canceled"), (3, "InvalidArgument"), (5, "NotFound"), (16, "Unauthenticated")):
            ended = self.call(self.target, UNARY, data={"statusCode": code, "statusMessage": "just\nso"})
            self.assertEqual((ended.code, ended.out, ended.err),
                             (64 + code, "", f"ERROR:\n  Code: {name}\n  Message: just\nso\n"))
        ended = self.call(self.target, UNARY, data={"statusCode": 2, "statusMessage": "red\x1b[31m"})
        self.check(ended, 66, "Code: Unknown")
        self.assertNotIn("\x1b", ended.err)

    def test_replies_before_the_failure_are_printed(self):
        ended = self.call(self.target, BIDI, data='{"payload":"AAAA"}{"statusCode":14}')
        self.assertEqual((ended.code, len(self.replies(ended))), (78, 1))

    def test_rich_error_details(self):
        with GrpcioEcho() as server:
            ended = self.call(server.target, UNARY, *ECHO_FILE, "-H", "fail-reason: QUOTA",
                              data={"statusCode": 8, "statusMessage": "no more"})
            self.assertEqual((ended.code, ended.err), (72, """\
ERROR:
  Code: ResourceExhausted
  Message: no more
  Details:
  1) {
       "@type": "type.googleapis.com/google.rpc.ErrorInfo",
       "reason": "QUOTA",
       "domain": "grpcio",
       "metadata": {
         "cost": "42"
       }
     }
"""))
            ended = self.call(server.target, UNARY, *ECHO_FILE, "-H", "fail-reason: QUOTA", "-format-error",
                              data={"statusCode": 8, "statusMessage": "no more"})
            self.assertEqual(ended.code, 72)
            self.assertIn('"reason": "QUOTA"', ended.err)

    def test_headers_and_trailers_of_another_server(self):
        with GrpcioEcho() as server:
            ended = self.call(server.target, UNARY, *ECHO_FILE, "-v", "-H", "echo-a: 1", "-H", "trail-b-bin: aGk")
            self.check(ended, 0)
            self.assertRegex(ended.out, r"Response headers received:\n(.*\n)*echo-a: 1\n")
            self.assertIn("Response trailers received:\ntrail-b-bin: aGk=\n", ended.out)

    def test_a_reply_of_another_type(self):
        """The schema says more than the server knows."""
        self.write("wrong.proto", 'syntax = "proto3"; package hello; message In {} message Out { message O { string '
                                  'a = 1; } O name = 2; } service Hello { rpc SayHello(In) returns (Out); }')
        ended = self.call(self.target, "hello.Hello/SayHello", "-proto", "wrong.proto")
        self.check(ended, 64 + 13, "ERROR:\n  Code: Internal\n  Message: lgen cannot read reply 1: ",
                   " bytes that are no hello.Out\n")

    def test_a_reply_that_is_nested_deep_is_printed(self):
        """Bytes to the server, to us a message in a message in a message."""
        self.write("deep.proto", 'syntax = "proto3"; package lgen.echo; message In { bytes payload = 1; } message '
                                 "Out { Out payload = 1; } service Echo { rpc Unary(In) returns (Out); }")
        for depth in (65, 99, 400):
            wire = b""
            for _ in range(depth):
                length = bytes([len(wire)]) if len(wire) < 128 else bytes([len(wire) & 127 | 128, len(wire) >> 7])
                wire = b"\x0a" + length + wire
            ended = self.call(self.target, UNARY, "-proto", "deep.proto",
                              data={"payload": base64.b64encode(wire).decode()})
            self.check(ended, 0)
            self.assertEqual(ended.out.count('"payload"'), depth + 1)

    def test_groups_in_a_reply(self):
        self.write("old.proto", 'syntax = "proto2"; package old; message In {} message Out { optional group One = 1 { '
                                "optional int32 a = 2; } repeated group Many = 3 { optional string b = 1; } } "
                                "service S { rpc Get(In) returns (Out); }")
        many = b"\x1b\x0a\x01x\x1c"
        with Recorder(b"\x0b\x10\x05\x0c" + many + many) as server:
            ended = self.call(server.target, "old.S/Get", "-proto", "old.proto")
            self.check(ended, 0)
            self.assertEqual(self.replies(ended), [{"one": {"a": 5}, "many": [{"b": "x"}, {"b": "x"}]}])
            ended = self.call(server.target, "old.S/Get", "-proto", "old.proto", "-format", "text")
            self.assertEqual(ended.out, 'One {\n  a: 5\n}\nMany {\n  b: "x"\n}\nMany {\n  b: "x"\n}\n')

    def test_a_method_the_server_does_not_have(self):
        self.write("more.proto", 'syntax = "proto3"; package hello; message In {} service Hello { rpc Sing(In) '
                                 "returns (In); }")
        self.check(self.call(self.target, "hello.Hello/Sing", "-proto", "more.proto"), 64 + 12, "Code: Unimplemented")


class Unreachable(CallCase):
    def unreachable(self, target, *flags):
        return self.call(target, "hello.Hello/SayHello", *HELLO_FILE, *flags)

    def test_refused(self):
        target = self.enterContext(dead_target())
        ended = self.unreachable(target)
        self.check(ended, 78, f"ERROR:\n  Code: Unavailable\n  Message: {target} refuses connections: nothing listens "
                              "there (gRPC: ")
        self.assertEqual(self.run_words("list", target).code, 78)

    def test_a_web_server(self):
        with Listener(HTML_OVER_HTTP_1) as server:
            self.check(self.unreachable(server.target), 78, "Code: Unavailable",
                       f"{server.target} speaks HTTP/1, not HTTP/2: is this the gRPC port?")

    def test_a_web_server_over_http_2(self):
        for status, code, how in ((404, 12, "with HTTP status 404"), (200, 2, "without a gRPC status")):
            with WebServer(status) as server:
                self.check(self.unreachable(server.target), 64 + code, f"{server.target} answered {how}, like a web "
                           "server: is this the gRPC port, and do proxies in between pass gRPC on? (gRPC: ")

    def test_a_reflection_that_answers_with_a_status(self):
        for code, name in ((grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated"), (grpc.StatusCode.INTERNAL, "Internal"),
                           (grpc.StatusCode.PERMISSION_DENIED, "PermissionDenied")):
            handler = grpc.stream_stream_rpc_method_handler(
                lambda _, context, code=code: context.abort(code, "go away"))
            service = grpc.method_handlers_generic_handler("grpc.reflection.v1.ServerReflection",
                                                           {"ServerReflectionInfo": handler})
            with Peer(handlers=[service]) as peer:
                for words in (["list"], ["describe"], ["call"]):
                    with self.subTest(code=code, words=words):
                        ended = self.run_words(*words, peer.target, *(["a.B/C"] if words == ["call"] else []))
                        self.check(ended, 64 + code.value[0], f"Code: {name}\n", "go away")

    def test_no_reflection(self):
        with Recorder() as server:
            ended = self.call(server.target, "hello.Hello/SayHello")
            self.assertEqual(ended.code, 104)
            self.assertTrue(ended.message.startswith(
                f"lgen: {server.target} has no server reflection (neither v1 nor v1alpha); give its schema instead: "
                "-proto FILE or -protoset FILE"), ended)
            self.assertNotIn("Lua", ended.message)


class Mistakes(LgenServer):
    def refused(self, expected, *words):
        ended = self.run_words(*words)
        self.assertEqual((ended.code, ended.message, ended.out), (104, "lgen: " + expected, ""))

    def test_texts_that_only_look_like_the_fields_type(self):
        self.write("kinds.proto", """syntax = "proto3"; package k; import "google/protobuf/field_mask.proto";
            message In { bool b = 1; repeated bool l = 2; google.protobuf.FieldMask mask = 3; }
            service S { rpc Do(In) returns (In); }""")
        mask = 'is no google.protobuf.FieldMask; write "name,address.street"'
        for data, message in (({"b": "yes"}, 'b: "yes" is no bool; write true or false'),
                              ({"l": [True, "1"]}, 'l[1]: "1" is no bool; write true or false'),
                              ({"mask": "a b"}, f'mask: "a b" {mask}')):
            self.refused(f"-d: {message}", "call", "-proto", "kinds.proto", "-d", json.dumps(data), self.target, "k.S/Do")

    def test_operands(self):
        self.refused("call: which server? give HOST:PORT", "call", "hello.Hello/SayHello")
        self.refused("call: which method? lgen call HOST:PORT pkg.Service/Method", "call", self.target)
        self.refused("list: which server? give HOST:PORT, or the schema by -proto or -protoset", "list")
        self.refused("list: 'c' is one operand too many", "list", self.target, "b", "c")
        self.refused("call: '127.0.0.1:99999' has no port within 1..65535", "call", "127.0.0.1:99999", "a.B/C")
        self.refused("call: unknown option -fomat (did you mean '-format'?)", "call", "-fomat", "text")
        self.refused("call: unknown option --fomat (did you mean '--format'?)", "call", "--fomat", "text")
        self.refused("call: unknown option -bogus", "call", "-bogus", self.target, UNARY)
        self.refused("call: there is no -unix; a socket is a target: unix:PATH instead of HOST:PORT",
                     "call", "-unix", "/tmp/socket", UNARY)
        self.refused("list: there is no --alts; lgen speaks TLS or plaintext", "list", "--alts", self.target)
        self.refused("describe: there is no -proto-out-dir; -protoset-out FILE keeps the schema as a descriptor set, "
                     "`lgen describe` prints it as .proto text", "describe", "-proto-out-dir=x", self.target)
        for host in ("127.0.0.1", "localhost", "my-server.example.com"):
            self.refused(f"list: '{host}' has no port; write {host}:PORT", "list", host)
            self.refused(f"call: '{host}' has no port; write {host}:PORT", "call", host, UNARY)
        self.refused(f"'{self.target}' is an address, no plan; write lgen list {self.target} hello.Hello",
                     self.target, "list", "hello.Hello")
        self.refused(f"'{self.target}' is an address, no plan; write lgen call {self.target} {UNARY}",
                     self.target, UNARY)
        self.refused("call: -d @in.json: only @ alone is known, for standard input; write -d @ < in.json",
                     "call", "-d", "@in.json", self.target, UNARY)
        self.refused("call: -d @-: only @ alone is known, for standard input; write -d @",
                     "call", "-d", "@-", self.target, UNARY)
        self.refused("call: -d: its value is missing: JSON", "call", self.target, UNARY, "-d")
        self.refused("call: --data: its value is missing: JSON", "call", self.target, UNARY, "--data")

    def test_names(self):
        self.refused("call: no service 'lgen.echo.Ehco' (did you mean 'lgen.echo.Echo'?)",
                     "call", self.target, "lgen.echo.Ehco/Unary")
        self.refused("call: service lgen.echo.Echo has no method 'Unry' (it has: Unary, ClientStream, ServerStream, "
                     "BidiStream)", "call", self.target, "lgen.echo.Echo/Unry")
        self.refused("call: 'Unary' is no method name; write \"package.Service/Method\"", "call", self.target, "Unary")
        self.refused("call: lgen.echo.Echo is a service; which of its methods? lgen.echo.Echo/BidiStream, "
                     "lgen.echo.Echo/ClientStream, lgen.echo.Echo/ServerStream, lgen.echo.Echo/Unary",
                     "call", self.target, "lgen.echo.Echo")
        self.refused("no service 'hello.Helo' (did you mean 'hello.Hello'?)", "list", self.target, "hello.Helo")

    def test_messages(self):
        for method, data, problem in (
                (UNARY, {"payload": 5}, "payload: 5 is no bytes in base64"),
                (UNARY, {"replySize": "many"}, 'reply_size: "many" is no uint32'),
                (UNARY, {"repliess": 1}, "lgen.echo.EchoRequest has no field 'repliess' (did you mean 'replies'?)"),
                (UNARY, "{]", "no JSON: line 1, column 2: "),
                (UNARY, "{}{}", "lgen.echo.Echo/Unary takes one message, but there are more"),
                (SERVER, "{}{}", "lgen.echo.Echo/ServerStream takes one message, but there are more"),
                (BIDI, '{}\n{"replySize": -1}', "message 2, from line 2: reply_size: -1 is no uint32"),
                (BIDI, '{} {"replySize": -1}', "message 2: reply_size: -1 is no uint32"),
                (BIDI, '{}\n\n {"replySize":]}', "message 2: no JSON: line 3, column 15: "),
                (UNARY, {"payload": ["AAAA"]}, "payload: a list, but the field is not repeated"),
                (UNARY, '{"replies":1,"replies":2}', "replies: the field is given twice"),
                (UNARY, '{"errorProbability":1e400}', "error_probability: 1e400 is larger than any number can be")):
            ended = self.call(self.target, method, data=data)
            self.assertEqual((ended.code, ended.out), (104, ""), ended)
            self.assertTrue(ended.message.startswith(f"lgen: -d: {problem}"), ended)

    def test_a_message_that_does_not_fit_is_found_before_anything_is_sent(self):
        with Server() as server:
            self.check(self.call(server.target, CLIENT, data='{"payload":"AAAA"}{"nope":1}'), 104)
            self.assertEqual(server.metrics()['grpc_server_call_started_total{grpc_method="lgen.echo.Echo/'
                                              'ClientStream"}'], 0)

    def test_schema_files(self):
        self.write("broken.proto", 'syntax = "proto3";\nmessage A { int32 a; }\n')
        self.refused("broken.proto:2:20: Missing field number.", "list", "-proto", "broken.proto")
        self.refused("nope.proto: no such file (searched .); give its folder by -import-path",
                     "list", "-proto", "nope.proto")
        os.makedirs(self.path("deep"), exist_ok=True)
        self.write("deep/imp.proto", 'syntax = "proto3";\nimport "nope/x.proto";\nimport "y.proto";\nimport "mid.proto";\n'
                                     "message A { nope.X x = 1; Y y = 2; }\n")
        self.write("deep/mid.proto", 'syntax = "proto3";\nimport "y.proto";\nimport "z.proto";\n')
        lost = "no such file (searched ., deep/); give its folder by -import-path"
        self.refused(f"deep/imp.proto:2:1: nope/x.proto: {lost}; deep/mid.proto:2:1: y.proto: {lost}; "
                     f"deep/mid.proto:3:1: z.proto: {lost}", "list", "-proto", "deep/imp.proto")
        self.refused("list: -import-path: is for -proto, which is missing", "list", "-import-path", PROTO_DIR)
        self.refused("list: -protoset: and -proto exclude each other", "list", "-proto", "a", "-protoset", "b")
        self.check(self.run_words("list", "-protoset", "broken.proto"), 104, "broken.proto: this is a .proto file")


class Look(LgenServer):
    def test_list(self):
        ended = self.run_words("list", self.target)
        self.check(ended, 0)
        self.assertEqual(ended.out.split(), ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                             "grpc.reflection.v1alpha.ServerReflection", "hello.Hello",
                                             "lgen.echo.Echo", "streaming.Streamer"])
        ended = self.run_words("list", self.target, "lgen.echo.Echo")
        self.assertEqual(ended.out.split(), ["lgen.echo.Echo." + name for name in
                                             ("BidiStream", "ClientStream", "ServerStream", "Unary")])

    def test_files_need_no_server(self):
        self.assertEqual(self.run_words("list", *HELLO_FILE).out, "hello.Hello\n")
        self.assertEqual(self.run_words("list", *HELLO_FILE, "hello.Hello").out, "hello.Hello.SayHello\n")
        self.assertEqual(self.run_words("describe", *HELLO_FILE, "hello.Greeting").out,
                         "hello.Greeting is a message:\nmessage Greeting {\n  string name = 1;\n}\n")

    def test_bundled_files_are_found_without_a_folder(self):
        self.assertEqual(self.run_words("list", "-proto", "hello.proto").out, "hello.Hello\n")

    def test_a_schema_without_syntax_and_without_services(self):
        self.write("bare.proto", "message A { optional int32 a = 1 [default = 7]; }\n")
        for command, hint in (("list", ""), ("describe", "; give the name of a message")):
            ended = self.run_words(command, "-proto", "bare.proto")
            self.assertEqual((ended.code, ended.out, ended.err),
                             (0, "", f"lgen: {command}: the schema has no service{hint}\n"))
        ended = self.run_words("describe", "-msg-template", "-proto", "bare.proto", "A")
        self.assertIn('"a": 7', ended.out)
        self.assertEqual(ended.err, "")

    def test_describe(self):
        expected = ("hello.Hello is a service:\nservice Hello {\n"
                    "  rpc SayHello ( .hello.Greeting ) returns ( .hello.Introduction );\n}\n")
        self.assertEqual(self.run_words("describe", self.target, "hello.Hello").out, expected)
        self.assertIn(expected, self.run_words("describe", self.target).out)
        for name in ("hello.Hello.SayHello", "hello.Hello/SayHello"):
            self.assertEqual(self.run_words("describe", self.target, name).out, "hello.Hello.SayHello is a method:\n"
                             "rpc SayHello ( .hello.Greeting ) returns ( .hello.Introduction );\n")
        self.check(self.run_words("describe", self.target, "hello.Greting"), 104, "did you mean 'hello.Greeting'?")
