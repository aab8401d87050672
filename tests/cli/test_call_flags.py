"""Every option of `lgen list`, `describe` and `call`, by a call that needs it."""

import base64
import os
import re
import subprocess
import tempfile

import certificates
from call_cases import ECHO_FILE, HELLO_FILE, OPERANDS, CallCase, Recorder
from clients import GUIDE_NAME
from http2_ear import Http2Ear, authority_field
from lgen_runs import LgenCase, clean_environment
from programs import Program, Server, binary
from protos import PROTO_DIR
from raw_servers import FullBacklog

UNARY = "lgen.echo.Echo/Unary"
ALL = tuple(OPERANDS)
PING = b"\x00\x00\x08\x06\x00"  # how a PING frame begins
covered = set()


def needs(flag, *commands):
    """Marks a test as the one of an option, of all three commands unless some are named."""
    covered.update((command, flag) for command in commands or ALL)
    return lambda test: test


class EveryFlag(LgenCase):
    def test_has_a_test(self):
        for command in ALL:
            ended = self.run_words(command, "--help")
            self.check(ended, 0)
            flags = re.findall(r"^  (?:-\w, )?--([\w-]+)", ended.out, re.M)
            self.assertGreater(len(flags), 15)
            self.assertEqual([flag for flag in flags if flag != "help" and (command, flag) not in covered], [])
            self.assertLessEqual(max(map(len, ended.out.splitlines())), 80)

    def test_may_be_written_with_one_dash_or_two(self):
        for words in (["-help"], ["--help"], ["-h"]):
            self.check(self.run_words("call", *words), 0)
        for name in ("proto", "--proto", "-proto"):
            word = name if name.startswith("-") else "--" + name
            self.check(self.run_words("list", *HELLO_FILE[:2], word, "hello.proto"), 0)
            self.check(self.run_words("list", *HELLO_FILE[:2], word + "=hello.proto"), 0)


class PlainServer(CallCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())
        cls.target = cls.server.target


class Schema(PlainServer):
    @needs("proto")
    @needs("import-path")
    def test_files_are_used_instead_of_reflection(self):
        with Recorder() as server:
            for _, ended in self.each(server.target):
                self.check(ended, 104, "has no server reflection", "-proto FILE or -protoset FILE")
            os.makedirs(self.path("deep"), exist_ok=True)
            with open(os.path.join(PROTO_DIR, "echo.proto"), encoding="utf-8") as file:
                self.write("deep/mine.proto", file.read())
            for _, ended in self.each(server.target, "-proto", "mine.proto"):
                self.check(ended, 104, "mine.proto: no such file (searched .); give its folder by -import-path")
            for _, ended in self.each(server.target, "-proto", "mine.proto", "-import-path", "deep"):
                self.check(ended, 0)
            for _, ended in self.each(server.target, *ECHO_FILE):
                self.check(ended, 0)

    @needs("protoset")
    def test_a_descriptor_set_is_used_instead_of_reflection(self):
        subprocess.run(["protoc", "-I", PROTO_DIR, "-o", self.path("echo.pb"), "echo.proto"], check=True)
        with Recorder() as server:
            for _, ended in self.each(server.target, "-protoset", "echo.pb"):
                self.check(ended, 0)

    @needs("protoset-out")
    def test_the_schema_is_kept_as_a_descriptor_set(self):
        for command, operands in OPERANDS.items():
            self.check(self.run_words(command, "-protoset-out", "out.pb", self.target, *operands), 0)
            again = self.run_words("list", "-protoset", "out.pb")
            self.check(again, 0)
            self.assertIn("lgen.echo.Echo\n", again.out)
            os.remove(self.path("out.pb"))

    @needs("use-reflection")
    def test_the_server_is_asked_beside_the_files(self):
        for _, ended in self.each(self.target, *HELLO_FILE):
            self.check(ended, 104, "lgen.echo.Echo")
        for _, ended in self.each(self.target, *HELLO_FILE, "-use-reflection"):
            self.check(ended, 0)
        for _, ended in self.each(self.target, "-use-reflection=false"):
            self.check(ended, 104, "-use-reflection: without it the schema must come from -proto or -protoset")
        with Recorder() as server:  # which has none
            for _, ended in self.each(server.target, *ECHO_FILE, "-use-reflection"):
                self.check(ended, 0)


class Tls(CallCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(folder, GUIDE_NAME)
        cls.client = certificates.self_signed(folder, "client", "client")
        flags = ["--tls-cert", cls.certificate.cert, "--tls-key", cls.certificate.key]
        cls.server = cls.enterClassContext(Server(*flags))
        cls.strict = cls.enterClassContext(Server(*flags, "--tls-client-ca", cls.client.cert))

    @needs("cacert")
    @needs("servername")
    def test_a_private_authority_and_its_name(self):
        for _, ended in self.each(self.server.target, "-tls"):
            self.check(ended, 78, "ERROR:\n  Code: Unavailable\n  Message: TLS with", "self-signed certificate")
        for _, ended in self.each(self.server.target, "-cacert", self.certificate.cert):
            self.check(ended, 78, "127.0.0.1", GUIDE_NAME)
        for ca, name in (("-cacert", "-servername"), ("--ca", "--server-name")):
            for _, ended in self.each(self.server.target, ca, self.certificate.cert, name, GUIDE_NAME):
                self.check(ended, 0)

    def test_the_schema_comes_over_tls_too(self):
        """Reflection and the call itself, with nothing but a certificate authority that is trusted."""
        trusted = ["--ca", self.certificate.cert, "-servername", GUIDE_NAME]
        ended = self.call(self.server.target, UNARY, "-v", *trusted, data={"payload": "AAAA"})
        self.check(ended, 0)
        self.assertTrue(ended.out.startswith(
            f"Connection: {self.server.target}, TLS, CA {self.certificate.cert}, name {GUIDE_NAME}{self.over}\n"), ended)
        self.assertIn('"payload": "AAAA"', ended.out)
        ended = self.run_words("list", *trusted, self.server.target)
        self.assertIn("lgen.echo.Echo\n", ended.out)
        ended = self.run_words("describe", *trusted, self.server.target, "hello.Greeting")
        self.assertIn("message Greeting {\n  string name = 1;\n}\n", ended.out)
        mutual = [*trusted, "-cert", self.client.cert, "-key", self.client.key]
        self.check(self.call(self.strict.target, UNARY, *mutual), 0)
        self.check(self.call(self.strict.target, UNARY, *trusted), 78, "Code: Unavailable")
        self.write("plan.lua", """
            local lgen = require "lgen"
            local ch = lgen.grpc.channel("main", lgen.target)
            local api = lgen.proto { reflection = ch }
            local Unary = api:method "lgen.echo.Echo/Unary"
            lgen.scenario("s", {
              load = lgen.load.per_vu_iterations { vus = 1, iterations = 2, max_duration = "20s" },
              run = function() assert(ch:call(Unary, { payload = "hi" })) end,
            })""")
        self.check(self.run_words("plan.lua", "--quiet", "--target", self.server.target, "--ca", self.certificate.cert,
                                  "--server-name", GUIDE_NAME), 0)

    @needs("insecure")
    def test_any_certificate(self):
        for flag in ("-insecure", "--skip-verify"):
            for _, ended in self.each(self.server.target, flag):
                self.check(ended, 0)

    @needs("cert")
    @needs("key")
    def test_a_client_certificate(self):
        for _, ended in self.each(self.strict.target, "-insecure"):
            self.check(ended, 78, "certificate")
        for _, ended in self.each(self.strict.target, "-insecure", "-cert", self.client.cert, "-key", self.client.key):
            self.check(ended, 0)
        for _, ended in self.each(self.strict.target, "-cert", self.client.cert):
            self.check(ended, 104, "-cert: -cert and -key belong together; the other one is missing")

    @needs("tls")
    def test_tls_although_the_port_is_not_443(self):
        with Server() as server:
            for _, ended in self.each(server.target, "-tls"):
                self.check(ended, 78, "it does not speak TLS there")

    @needs("plaintext")
    def test_no_tls(self):
        for _, ended in self.each("127.0.0.1:443", "-v", "-plaintext", "-max-time", "5"):
            self.assertTrue(ended.out.startswith(f"Connection: 127.0.0.1:443, plaintext{self.over}\n"), ended)
        for _, ended in self.each("127.0.0.1:443", "-v", "-max-time", "5"):
            self.assertTrue(ended.out.startswith(
                f"Connection: 127.0.0.1:443, TLS, system roots, because the port is 443{self.over}\n"), ended)
        for _, ended in self.each("127.0.0.1:443", "-plaintext", "-tls"):
            self.check(ended, 104, "-tls: contradicts -plaintext; give one of them")
        for _, ended in self.each("127.0.0.1:443", "-plaintext", "-insecure"):
            self.check(ended, 104, "-insecure: means TLS, but -plaintext is given")


class Wire(CallCase):
    """What a server hears."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = certificates.self_signed(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def heard(self, expected, *flags):
        for command, operands in OPERANDS.items():
            self.hears(expected, command, *flags, operands=operands)

    def hears(self, expected, command, *flags, operands):
        """The server never answers, so the program is stopped once it has said what is expected."""
        ear = Http2Ear(self.certificate)
        with Program([binary("lgen"), command, "-insecure", *flags, ear.target, *operands],
                     clean_environment()) as running:
            ear.wait_for(expected)
            running.stop()

    @needs("authority")
    def test_authority(self):
        self.heard(authority_field("other.example.com"), "-servername", GUIDE_NAME, "-authority", "other.example.com")

    @needs("servername")
    def test_the_server_name_is_also_the_authority(self):
        self.heard(authority_field(GUIDE_NAME), "-servername", GUIDE_NAME)

    @needs("user-agent")
    def test_user_agent(self):
        self.heard(b"mine/1 grpc-c", "-user-agent", "mine/1")

    def test_texts_that_cannot_be_sent(self):
        for flag, value, problem in (
                ("-user-agent", "a\nb", "0x0A as character 2 cannot be sent; a value may hold printable ASCII only"),
                ("-user-agent", "ü", "0xC3 as character 1 cannot be sent; a value may hold printable ASCII only"),
                ("-authority", "a b", "a blank as character 2 cannot be sent; an authority is a host name or address, "
                                      "with or without :PORT"),
                ("-servername", "a/b", "'/' as character 2 cannot be sent; an authority is a host name or address, "
                                       "with or without :PORT")):
            for command, ended in self.each("127.0.0.1:1", flag, value):
                self.assertEqual((ended.code, ended.message), (104, f"lgen: {command}: {flag}: {problem}"))

    @needs("keepalive-time")
    def test_keepalive(self):
        self.heard(PING, "-keepalive-time", "0.02")

    @needs("compress", "call")
    def test_compress(self):
        for algorithm in ("gzip", "deflate"):
            self.hears(b"grpc-encoding" + bytes([len(algorithm)]) + algorithm.encode(), "call", *ECHO_FILE,
                       "-compress", algorithm, operands=[UNARY])
        self.check(self.call("127.0.0.1:1", UNARY, "-compress", "br"), 104,
                   "-compress: 'br' is neither gzip nor deflate")


class Limits(PlainServer):
    @needs("connect-timeout")
    def test_connect_timeout(self):
        with FullBacklog() as server:
            for _, ended in self.each(server.target, "-connect-timeout", "0.2"):
                self.check(ended, 78, "Code: Unavailable", "(-connect-timeout 200ms)")
            for _, ended in self.each(server.target, "-connect-timeout", "0"):
                self.check(ended, 104, "-connect-timeout: 0 leaves no time to connect")

    @needs("max-time")
    def test_max_time(self):
        with FullBacklog() as server:
            for _, ended in self.each(server.target, "-max-time", "0.2"):
                self.check(ended, 68, "Code: DeadlineExceeded", "(-max-time 200ms)")
        for _, ended in self.each(self.target, "-max-time", "0"):
            self.check(ended, 104, "-max-time: 0 ends every call before it starts; leave it out for no limit")
        # Enough of it for a connection on a busy machine.
        ended = self.call(self.target, UNARY, "-max-time", "2s", data={"delaySeconds": 30})
        self.check(ended, 68, "ERROR:\n  Code: DeadlineExceeded\n  Message: Deadline Exceeded (-max-time 2s)\n")

    @needs("max-msg-sz")
    def test_max_msg_sz(self):
        for _, ended in self.each(self.target, "-max-msg-sz", "10"):
            self.check(ended, 72, "Code: ResourceExhausted", f"reflection of {self.target}: ", "larger than max",
                       "vs. 10); to allow it, raise -max-msg-sz\n")
        ended = self.call(self.target, UNARY, "-max-msg-sz", "1KiB", *ECHO_FILE, data={"replySize": 2000})
        self.check(ended, 72, "Code: ResourceExhausted", "larger than max",
                   "vs. 1024); to allow it, raise -max-msg-sz\n")


class Transport(PlainServer):
    @needs("transport")
    def test_each(self):
        for transport, agent in (("grpc", "grpc-c/"), ("h2", "grpc-lgen-h2/")):
            with self.subTest(transport), Recorder() as server:
                for command, ended in self.each(server.target, *ECHO_FILE, "-use-reflection", "-transport", transport):
                    self.check(ended, 0)
                    self.assertIn(agent, server.reflection()["user-agent"], command)
                self.assertIn(agent, server.seen["/" + UNARY]["user-agent"])

    def test_what_v_says(self):
        for words, says in ((["-transport", "grpc"], ""), (["-transport=h2"], ", over h2")):
            for _, ended in self.each(self.target, "-v", "-plaintext", *words):
                self.check(ended, 0)
                self.assertTrue(ended.out.startswith(f"Connection: {self.target}, plaintext{says}\n"), ended)

    def test_what_there_is_not(self):
        for _, ended in self.each(self.target, "-transport", "h3"):
            self.check(ended, 104, "-transport: unknown transport 'h3'; there are grpc and h2")
        for _, ended in self.each("ipv4:127.0.0.1:1,127.0.0.1:2", "-transport", "h2"):
            self.check(ended, 104, "give it one address; or use -transport grpc")


class Headers(CallCase):
    @needs("header")
    @needs("reflect-header")
    @needs("rpc-header", "call")
    def test_who_gets_which(self):
        flags = ["-H", "X-Both: 1", "-reflect-header", "x-ask:  2 ", "-H", "x-raw-bin: aGk"]
        for command, _ in self.each("127.0.0.1:1", *flags):
            with Recorder() as server:
                extra = ["-rpc-header", "x-call: 3"] if command == "call" else []
                ended = self.run_words(command, *flags, *extra, *ECHO_FILE, "-use-reflection", server.target,
                                       *OPERANDS[command])
                self.check(ended, 0)
                asked = server.reflection()
                self.assertEqual([asked.get(name) for name in ("x-both", "x-ask", "x-raw-bin", "x-call")],
                                 ["1", "2", b"hi", None])
                if command == "call":
                    called = server.seen["/" + UNARY]
                    self.assertEqual([called.get(name) for name in ("x-both", "x-ask", "x-raw-bin", "x-call")],
                                     ["1", None, b"hi", "3"])

    @needs("expand-headers")
    def test_expand_headers(self):
        for flags, expected in ((["-expand-headers"], "Bearer secret"), ([], "Bearer ${TOKEN}")):
            with Recorder() as server:
                for _, _ in self.each(server.target, "-H", "authorization: Bearer ${TOKEN}", *flags,
                                      env={"TOKEN": "secret"}):
                    self.assertEqual(server.reflection()["authorization"], expected)
        for _, ended in self.each("127.0.0.1:1", "-H", "a: ${NOT_SET_HERE}", "-expand-headers"):
            self.check(ended, 104, "-H 'a: ${NOT_SET_HERE}': the environment variable NOT_SET_HERE is not set")

    def test_headers_that_cannot_be_sent(self):
        for header, problem in (("plain", "is not of the form 'name: value'"),
                                ("a b: c", "metadata key \"a b\" cannot be sent: a-z 0-9 - _ . only, not beginning "
                                           "with 'grpc-'"),
                                ("grpc-foo: x", "metadata key \"grpc-foo\" cannot be sent: a-z 0-9 - _ . only, not "
                                                "beginning with 'grpc-'"),
                                ("te: x", 'metadata key "te" cannot be sent: gRPC writes this header itself'),
                                ("Content-Type: x", 'metadata key "content-type" cannot be sent: gRPC writes this '
                                                    "header itself"),
                                ("User-Agent: x", 'metadata key "user-agent" cannot be sent: gRPC writes this header '
                                                  "itself; -user-agent TEXT is put in front of it"),
                                ("a: ü", "a value may hold printable ASCII only; name the header ...-bin and give it "
                                         "in base64"),
                                ("a-bin: *", "the value of a -bin header must be base64")):
            for command, ended in self.each("127.0.0.1:1", "-H", header):
                self.assertEqual((ended.code, ended.message), (104, f"lgen: {command}: -H '{header}': {problem}"))


class Messages(PlainServer):
    @needs("data", "call")
    def test_data(self):
        ended = self.call(self.target, UNARY, data={"payload": base64.b64encode(b"hello").decode()})
        self.check(ended, 0)
        self.assertEqual(self.replies(ended)[0]["payload"], base64.b64encode(b"hello").decode())

    @needs("format", "call")
    def test_format(self):
        ended = self.call(self.target, "lgen.echo.Echo/ServerStream", "-format", "text",
                          data="payload: 'hi' replies: 2")
        self.check(ended, 0)
        first, second = ended.out.split("\x1e\n")
        self.assertTrue(first.startswith('payload: "hi"\nsequence: 1\n'), ended)
        self.assertTrue(second.startswith('payload: "hi"\nsequence: 2\n'), ended)
        self.check(self.call(self.target, UNARY, "-format", "xml"), 104, "-format: 'xml' is neither json nor text")
        self.check(self.call(self.target, UNARY, "-format", "lua"), 104,
                   "-format: lua is for -msg-template of `lgen describe`")

    @needs("allow-unknown-fields", "call")
    def test_allow_unknown_fields(self):
        self.check(self.call(self.target, UNARY, data={"nope": 1}), 104)
        self.check(self.call(self.target, UNARY, "-allow-unknown-fields", data={"nope": 1}), 0)

    @needs("emit-defaults", "call")
    def test_emit_defaults(self):
        self.assertNotIn("previousRpcAttempts", self.replies(self.call(self.target, UNARY))[0])
        shown = self.replies(self.call(self.target, UNARY, "-emit-defaults"))[0]
        self.assertEqual((shown["payload"], shown["previousRpcAttempts"]), ("", 0))

    @needs("format-error", "call")
    def test_format_error(self):
        data = {"statusCode": 5, "statusMessage": "gone"}
        ended = self.call(self.target, UNARY, "-format-error", data=data)
        self.assertEqual((ended.code, ended.err), (69, '{\n  "code": 5,\n  "message": "gone"\n}\n'))
        ended = self.call(self.target, UNARY, "-format-error", "-format", "text",
                          data='status_code: 5 status_message: "gone"')
        self.assertEqual((ended.code, ended.err), (69, 'code: 5\nmessage: "gone"\n'))

    @needs("msg-template", "describe")
    @needs("format", "describe")
    def test_msg_template(self):
        def template(*flags):
            ended = self.run_words("describe", "-msg-template", *flags, self.target, "hello.Greeting")
            self.check(ended, 0)
            return ended.out.partition("\n\nMessage template:\n")[2]
        self.assertEqual(template(), '{\n  "name": ""\n}\n')
        self.assertEqual(template("-format", "text"), 'name: ""\n')
        self.assertEqual(template("-format", "lua"), '{\n  name = "",\n}\n')
        self.check(self.run_words("describe", "-msg-template", self.target), 104,
                   "-msg-template: of which message? give its name")
        self.check(self.run_words("describe", "-msg-template", self.target, "hello.Hello"), 104,
                   "-msg-template: hello.Hello is neither a message nor a method")


class Output(PlainServer):
    @needs("verbose")
    def test_verbose(self):
        for _, ended in self.each(self.target, "-v"):
            self.check(ended, 0)
            self.assertTrue(ended.out.startswith(
                f"Connection: {self.target}, plaintext, because the port is not 443 and nothing asks for TLS\n"))
        ended = self.call(self.target, UNARY, "-v", "-H", "x-one: 1", data={"replySize": 1})
        self.assertRegex(ended.out, re.compile(
            r"\nResolved method descriptor:\nrpc Unary \( \.lgen\.echo\.EchoRequest \) returns "
            r"\( \.lgen\.echo\.EchoReply \);\n\nRequest metadata to send:\nx-one: 1\n\nPeer: \S+\n\n"
            r"Response headers received:\n(\S+: .*\n)+\nResponse contents:\n{\n.*\n}\n\n"
            r"Response trailers received:\n\(empty\)\nSent 1 request and received 1 response\n$", re.S))

    def test_the_peer_of_a_call_that_fails(self):
        """Also where the status comes without headers before it."""
        self.write("more.proto", 'syntax = "proto3"; package hello; message In {} service Hello { rpc Sing(In) '
                                 "returns (In); }")
        for code, words in ((69, [UNARY, "-d", '{"statusCode": 5}']),
                            (76, ["hello.Hello/Sing", "-proto", "more.proto"])):
            ended = self.run_words("call", "-v", self.target, *words)
            self.check(ended, code)
            self.assertEqual(ended.out.count(f"\nPeer: {self.target}\n\nResponse headers received:\n"), 1, ended)
            self.assertEqual(ended.out.count("Peer:"), 1)

    @needs("vv", "call")
    def test_very_verbose(self):
        ended = self.call(self.target, "lgen.echo.Echo/ServerStream", "-vv", data={"replies": 2})
        self.check(ended, 0)
        self.assertEqual(len(re.findall(r"\nEstimated response size: \d+ bytes\n\nResponse contents:\n", ended.out)), 2)
        self.assertIn("Sent 1 request and received 2 responses\n", ended.out)
        names = re.findall(r"^  ([a-z ]+?)  +\d\S*$", ended.out.partition("\nTiming:\n")[2], re.M)
        self.assertEqual(names, ["connect", "schema", "headers", "first message", "last message", "end"])
