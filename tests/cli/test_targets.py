"""Targets that cannot be used: what lgen says, so that the user knows what to change."""

import http.server
import threading

import certificates
from lgen_runs import CALLS, LgenCase
from programs import Server
from raw_servers import HTTP_1, FullBacklog, Listener
from waiting import dead_target


class AddressTest(LgenCase):
    """Targets that are none: refused before anything is sent."""

    ROWS = [
        ("localhost", "'localhost' is no address; write HOST:PORT"),
        (":50051", "':50051' is no address; write HOST:PORT"),
        ("dns://127.0.0.1:53/name", "'dns://127.0.0.1:53/name' has no port; write dns://SERVER/NAME:PORT"),
        ("", "'' is no address; write HOST:PORT"),
        ("::1:50051", "'::1:50051' is no address; write HOST:PORT, [ADDRESS]:PORT for IPv6"),
        ("host:", "'host:' has no port within 1..65535"),
        ("host:0", "'host:0' has no port within 1..65535"),
        ("host:70000", "'host:70000' has no port within 1..65535"),
        ("host:-1", "'host:-1' has no port within 1..65535"),
        ("host:http", "'host:http' has no port within 1..65535"),
        ("http://host:80", "'http://host:80' is a URL; write HOST:PORT alone, as in host:80"),
        ("https://host:443/path", "'https://host:443/path' is a URL; write HOST:PORT alone, as in host:443"),
        ("[::1]:0", "'[::1]:0' has no port within 1..65535"),
    ]

    def test_the_flag(self):
        self.plan(CALLS)
        for target, message in self.ROWS:
            with self.subTest(target):
                self.check(self.run_words("plan.lua", "--target", target), 104, f"lgen: --target: {message}\n")

    def test_the_environment(self):
        self.plan(CALLS)
        self.check(self.run_words("plan.lua", env={"LGEN_TARGET": "host:0"}), 104, "'host:0' has no port within 1..65535")

    def test_a_channel_of_the_plan(self):
        for target, message in self.ROWS:
            with self.subTest(target):
                self.plan(f'lgen.grpc.channel("main", "{target}")')
                self.check(self.run_words("plan.lua"), 104,
                           f'lgen: plan.lua:2: lgen.grpc.channel "main": target: {message}\n')


class TargetCase(LgenCase):
    def refused(self, target, *flags, texts, wait="1s"):
        """Runs a plan of one call; it must say `texts`, send nothing and fail."""
        self.plan(CALLS, 'lgen.check("replied", ch:call(SayHello, { name = "x" }))')
        ended = self.run_plan("plan.lua", "--target", target, "--wait-ready", wait, *flags)
        self.check(ended, 99, 'lgen: channel "main": ', "Nothing was sent.", *texts)
        self.assertEqual(ended.summary["scenarios"][0]["started"], 0)
        self.assertIn("the plan could not go on", ended.out)
        return ended


class PlaintextTest(TargetCase):
    def test_nobody_listens(self):
        target = self.enterContext(dead_target())
        ended = self.refused(target, texts=[f"{target} refuses connections: nothing listens there"])
        self.assertIn(f"Is the server running, and --target {target} right?", ended.err)

    def test_a_name_that_does_not_resolve(self):
        self.refused("no.such.host.invalid:50051",
                     texts=["no.such.host.invalid:50051 does not resolve: check the name (and the name server)"])

    def test_a_black_hole(self):
        with FullBacklog() as server:
            ended = self.refused(server.target, texts=[f"--target {server.target} right?"])
            self.assertRegex(ended.err, "does not answer|is not ready in time|cannot be reached")

    def test_a_peer_that_never_speaks(self):
        with Listener() as server:
            ended = self.refused(server.target, texts=[f"--target {server.target} right?"])
            # Whichever comes first: our patience, or gRPC's with this attempt.
            self.assertRegex(ended.err, "is not ready in time|does not speak HTTP/2 there")

    def test_a_peer_that_speaks_no_http2(self):
        with Listener(HTTP_1) as server:
            self.refused(server.target, texts=[f"{server.target} speaks HTTP/1, not HTTP/2: is this the gRPC port?"])

    def test_a_web_server(self):
        class Quiet(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                ended = self.refused(f"127.0.0.1:{server.server_address[1]}", texts=["HTTP/2: is this the gRPC port?"])
            finally:
                server.shutdown()
                thread.join()
        self.assertRegex(ended.err, "speaks (HTTP/1|something else), not HTTP/2|speaks something else than HTTP/2")

    def test_allow_failures(self):
        self.plan(CALLS)
        self.check(self.run_words("plan.lua", "--target", self.enterContext(dead_target()), "--wait-ready", "1s",
                                  "--allow-failures"), 0)


class TlsTest(TargetCase):
    """Every message prints what the certificate says, and the flags that would help."""

    def serve(self, certificate):
        server = Server("--tls-cert", certificate.cert, "--tls-key", certificate.key)
        self.addCleanup(server.__exit__)
        return server.target

    def setUp(self):
        super().setUp()
        self.good = certificates.self_signed(self.folder)

    def test_the_right_flags(self):
        self.plan(CALLS, 'lgen.check("replied", ch:call(SayHello, { name = "x" }))')
        self.check(self.run_words("plan.lua", "--target", self.serve(self.good), "--ca", self.good.cert,
                                  "--server-name", "grpc.example.com"), 0)

    def test_an_issuer_nobody_knows(self):
        self.refused(self.serve(self.good), "--tls", texts=[
            "vouches for the certificate (self-signed certificate); give its issuer with --ca, or use --skip-verify",
            "its certificate is for grpc.example.com, valid "])

    def test_a_wrong_ca(self):
        other = certificates.self_signed(self.folder, "other.example.com", name="other")
        self.refused(self.serve(self.good), "--ca", other.cert, texts=[
            "other.crt does not vouch for the certificate", "--ca", "--skip-verify", "grpc.example.com"])

    def test_a_wrong_name(self):
        self.refused(self.serve(self.good), "--ca", self.good.cert, texts=[
            "the name '127.0.0.1' is not in the certificate; use --server-name grpc.example.com"])
        self.refused(self.serve(self.good), "--ca", self.good.cert, "--server-name", "x.example.com", texts=[
            "the name 'x.example.com' is not in the certificate; use --server-name grpc.example.com"])

    def test_an_expired_certificate(self):
        old = certificates.signed_by(self.good, self.folder, "old.example.com", name="old", days=-1)
        self.refused(self.serve(old), "--ca", self.good.cert, "--server-name", "old.example.com", texts=[
            "the certificate expired on ", "its certificate is for old.example.com", "--skip-verify"])

    def test_skip_verify_takes_them_all(self):
        old = certificates.signed_by(self.good, self.folder, "old.example.com", name="old", days=-1)
        self.plan(CALLS, 'lgen.check("replied", ch:call(SayHello, { name = "x" }))')
        self.check(self.run_words("plan.lua", "--target", self.serve(old), "--skip-verify"), 0)

    def test_tls_where_there_is_none(self):
        with Server() as server:
            self.refused(server.target, "--tls", texts=[f"{server.target}"])

    def test_plaintext_where_there_is_tls(self):
        self.refused(self.serve(self.good), "--plaintext", texts=["a TLS port dialled without --tls"])

    def test_files_that_do_not_fit(self):
        other = certificates.self_signed(self.folder, "other.example.com", name="other")
        self.write("no.pem", "nothing")
        rows = [
            (["--ca", "missing.crt"], "CA file missing.crt: No such file or directory"),
            (["--ca", "no.pem"], "CA file no.pem: holds no PEM certificate (-----BEGIN CERTIFICATE-----)"),
            (["--cert", self.good.cert, "--key", other.key], "does not belong to the certificate"),
            (["--cert", self.good.cert, "--key", "missing.key"], "missing.key: No such file or directory"),
        ]
        self.plan(CALLS)
        for flags, message in rows:
            with self.subTest(message):
                self.check(self.run_words("plan.lua", "--target", "127.0.0.1:1", *flags), 104, message)


class CallsTest(LgenCase):
    """Calls that fail one by one: the run goes on, the report tells, and when nothing succeeds the exit code is 99."""

    def setUp(self):
        super().setUp()
        server = Server()
        self.addCleanup(server.__exit__)
        self.target = server.target

    def calls(self, top, body, *flags):
        self.plan(CALLS + top, body)
        return self.run_plan("plan.lua", "--target", self.target, *flags)

    def test_nothing_succeeded(self):
        ended = self.calls("", "ch:call(Unary, { status_code = 14, status_message = 'no way' })")
        self.check(ended, 99, "not one call or stream succeeded; first error: ", "no way")
        self.check(self.calls("", "ch:call(Unary, { status_code = 14 })", "--allow-failures"), 0)

    def test_some_succeeded(self):
        self.check(self.calls("", "ch:call(Unary, { status_code = 14 }) ch:call(Unary, {})"), 0)

    def test_a_reply_over_the_limit(self):
        ended = self.calls("local small = lgen.grpc.channel('small', lgen.target, { max_recv = '1KiB' })",
                           "local _, err = small:call(Unary, { reply_size = 2000 }) print(err)")
        self.check(ended, 99, "RESOURCE_EXHAUSTED")
        self.assertIn("max_recv", ended.out + ended.err)

    def test_a_request_over_the_limit(self):
        ended = self.calls("local small = lgen.grpc.channel('small', lgen.target, { max_send = '1KiB' })",
                           "local _, err = small:call(Unary, { payload = ('x'):rep(2000) }) print(err)")
        self.check(ended, 99, "RESOURCE_EXHAUSTED")
        self.assertIn("max_send", ended.out + ended.err)

    def test_a_reply_that_is_not_decodable(self):
        self.write("wrong.proto", 'syntax = "proto3"; package lgen.echo; message EchoRequest { bytes payload = 1; }\n'
                   "message EchoReply { M payload = 1; message M { M deeper = 1; } }\n"
                   "service Echo { rpc Unary(EchoRequest) returns (EchoReply); }\n")
        self.plan("""local api = lgen.proto { files = { "wrong.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local Unary = api:method "lgen.echo.Echo/Unary"
""", 'local _, err = ch:call(Unary, { payload = "\\255\\255\\255" }) print(err)')
        ended = self.run_plan("plan.lua", "--target", self.target)
        self.check(ended, 99, "not one call or stream succeeded; first error: ")
        self.assertIn("cannot be decoded", ended.out + ended.err)

    def test_trace(self):
        ended = self.calls("", 'for _ = 1, 3 do ch:call(SayHello, { name = "traced" }, { metadata = { ["x-mine"] = "1" } }) end',
                           "--trace=2")
        self.check(ended, 0)
        self.assertEqual(ended.err.count("hello.Hello/SayHello"), 2, ended)
        for text in ("traced", "x-mine", "x-backend", "OK"):
            self.assertIn(text, ended.err)

    def test_a_null_in_a_trace_is_what_the_plan_wrote(self):
        self.write("notes.proto", 'syntax = "proto3"; package lgen.echo; import "google/protobuf/struct.proto"; '
                   "message EchoRequest { google.protobuf.Struct st = 20; } message EchoReply {} "
                   "service Echo { rpc Unary(EchoRequest) returns (EchoReply); }")
        self.plan("""local api = lgen.proto { files = { "notes.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local Unary = api:method "lgen.echo.Echo/Unary"
""", "ch:call(Unary, { st = { a = lgen.json.null } })")
        ended = self.run_plan("plan.lua", "--target", self.target, "--trace")
        self.check(ended, 0, "st = {a = lgen.null}")

    def test_a_stream_left_open(self):
        ended = self.calls(
            'local text = lgen.proto { files = { "streaming.proto" } }:method "streaming.Streamer/ProcessTextStream"\n',
            'ch:open(text):send { message = "x" }')
        self.check(ended, 99, "not one call or stream succeeded")
        self.assertEqual(ended.summary["metrics"]["grpc_streams_leaked"]["series"][0]["value"], 1)
