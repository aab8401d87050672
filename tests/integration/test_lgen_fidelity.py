"""Calls of every kind at full fidelity, against servers of another make: what is really on the wire, what really
arrives, and what lgen says when a peer is not what it should be."""

import os
import time
import unittest

import grpc
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from grpc_peer import Peer, echo, send_back
from lgen_runs import CALLS, LgenCase
from name_server import NameServer
from programs import Server
from relay import Relay
from waiting import eventually
from web_server import WebServer

CONNECT_LATE = "--wait-ready", "0"


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


class TokenGate:
    """Lets calls in that carry a token which is signed with `key` and has not expired."""

    def __init__(self, key, algorithm):
        self._key, self._algorithm = key, algorithm
        self.tokens = set()

    def __call__(self, request, context):
        header = dict(context.invocation_metadata()).get("authorization", "")
        try:
            claims = jwt.decode(header.removeprefix("Bearer "), self._key, [self._algorithm],
                                options={"verify_exp": False})
        except jwt.InvalidTokenError as error:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
        if claims["exp"] <= time.time():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token has expired")
        self.tokens.add(header)
        return send_back(request, context)


TOKENS = CALLS + """
local function new_token()
  return lgen.crypto.jwt({ sub = "lgen", exp = lgen.time() + 1.5 }, { alg = ALG, key = KEY, header = { kid = "1" } })
end
local fixed, fresh, made_at = new_token(), nil, -1
local function token()
  if lgen.time() - made_at > 0.3 then fresh, made_at = new_token(), lgen.time() end
  return { authorization = "Bearer " .. fresh }
end
local serving = lgen.grpc.channel("serving", lgen.target, { metadata = token })
local stale = lgen.grpc.channel("stale", lgen.target, { metadata = { authorization = "Bearer " .. fixed } })
"""

# Until the fixed token has expired; by then others have been served for a while.
TOKEN_CALLS = """
  local expired
  repeat
    lgen.check("a fresh token is let in", serving:call(Unary, {}))
    local _, err = stale:call(Unary, {})
    expired = err
    lgen.sleep(0.05)
  until expired
  lgen.check("a fixed token expires", tostring(expired) == "UNAUTHENTICATED: the token has expired", expired)
"""


class Tokens(LgenCase):
    def check_tokens(self, algorithm, secret, public):
        with Peer(TokenGate(public, algorithm)) as peer:
            text = TOKENS.replace("ALG", f'"{algorithm}"').replace("KEY", f"[[{secret}]]")
            ended = self.run_plan(self.plan(text, TOKEN_CALLS), "--target", peer.target)
            self.check(ended, 0)
            self.assertGreater(len(peer.answer.tokens), 2)
            self.assertEqual(jwt.get_unverified_header(peer.seen[0]["authorization"].split()[1]),
                             {"alg": algorithm, "typ": "JWT", "kid": "1"})

    def test_shared_secret(self):
        self.check_tokens("HS256", "open sesame", "open sesame")

    def test_rsa(self):
        key = rsa.generate_private_key(65537, 2048)
        self.check_tokens("RS256", pem_of(key), key.public_key())

    def test_elliptic_curve(self):
        key = ec.generate_private_key(ec.SECP256R1())
        self.check_tokens("ES256", pem_of(key), key.public_key())

    def test_a_key_in_a_file_and_keys_that_do_not_fit(self):
        self.write("rsa.pem", pem_of(rsa.generate_private_key(65537, 2048)))
        self.write("ec.pem", pem_of(ec.generate_private_key(ec.SECP256R1())))
        self.write("p384.pem", pem_of(ec.generate_private_key(ec.SECP384R1())))
        what = "lgen: plan.lua:2: lgen.crypto.jwt: key: "
        for algorithm, name, message in [("RS256", "rsa", ""), ("ES256", "ec", ""),
                                         ("RS256", "ec", what + "RS256 needs an RSA private key"),
                                         ("ES256", "rsa", what + "ES256 needs an EC private key"),
                                         ("ES256", "p384", what + "ES256 needs a key on the curve P-256")]:
            with self.subTest(algorithm + name):
                self.plan(f'lgen.crypto.jwt({{}}, {{ alg = "{algorithm}", key = "{name}.pem" }})')
                self.check(self.run_words("check", "plan.lua"), 104 if message else 0, message)


COMPRESSED = CALLS + """
local plain = lgen.grpc.channel("plain", lgen.target)
local zipped = lgen.grpc.channel("zipped", lgen.target, { compression = "ON_CHANNEL" })
"""
BIG = 200_000


class CompressionTest(LgenCase):
    def bytes_of(self, call, on_channel="gzip", replies=None):
        """(sent, received) on the wire when a message of 200 kB is echoed."""
        with Peer(compression=replies) as peer, Relay(peer.target) as proxy:
            body = f'local text = ("lgen "):rep({BIG // 5})\n' + call + \
                   '\nlgen.check("it comes back whole", reply and reply.payload == text, err)'
            plan = self.plan(COMPRESSED.replace("ON_CHANNEL", on_channel), body)
            self.check(self.run_plan(plan, "--target", proxy.target), 0)
            return proxy.sent, proxy.received

    def test_what_is_sent(self):
        rows = [("none anywhere", "plain:call(Unary, { payload = text })", False),
                ("gzip of the channel", "zipped:call(Unary, { payload = text })", True),
                ("deflate of the call", 'plain:call(Unary, { payload = text }, { compression = "deflate" })', True),
                ("none of the call", 'zipped:call(Unary, { payload = text }, { compression = "none" })', False)]
        for name, call, small in rows:
            with self.subTest(name):
                sent, received = self.bytes_of("local reply, err = " + call)
                (self.assertLess if small else self.assertGreater)(sent, BIG // 4 if small else BIG)
                self.assertGreater(received, BIG)

    def test_what_is_sent_on_a_stream(self):
        stream = """local s = plain:open(api:method "lgen.echo.Echo/BidiStream", OPTIONS)
          s:send { payload = text }
          local reply, err = s:recv(10)
          s:close(10)"""
        self.assertLess(self.bytes_of(stream.replace("OPTIONS", '{ compression = "gzip" }'))[0], BIG // 4)
        self.assertGreater(self.bytes_of(stream.replace("OPTIONS", "{}"))[0], BIG)

    def test_replies(self):
        call = "local reply, err = plain:call(Unary, { payload = text })"
        for replies in [grpc.Compression.Gzip, grpc.Compression.Deflate]:
            with self.subTest(replies):
                sent, received = self.bytes_of(call, replies=replies)
                self.assertGreater(sent, BIG)
                self.assertLess(received, BIG // 4)


RETRY_CONFIG = """[[{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.01s",
  "maxBackoff":"0.02s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}]]"""


def answer_third_attempt(tells):
    def answer(request, context):
        before = dict(context.invocation_metadata()).get("grpc-previous-rpc-attempts", "0")
        if before != "2":
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        if tells:
            context.send_initial_metadata((("grpc-previous-rpc-attempts", before),))
        return send_back(request, context)
    return answer


class RetryTest(LgenCase):
    def run_with(self, tells, retries, body):
        with Peer(answer_third_attempt(tells)) as peer:
            options = f"{{ service_config = {RETRY_CONFIG}, retries = {retries} }}"
            plan = self.plan(CALLS.replace("lgen.target)", f"lgen.target, {options})"), body)
            return self.run_plan(plan, "--target", peer.target), peer

    def test_attempts_that_the_server_tells(self):
        ended, peer = self.run_with(True, "true", """
          for _ = 1, 2 do
            local reply, err, call = ch:call(Unary, {})
            lgen.check("it succeeds in the end", reply, err)
            lgen.check("after three attempts", call.attempts == 3, call.attempts)
          end""")
        self.check(ended, 0)
        self.assertEqual(len(peer.seen), 6)
        self.assertIn("  attempts: 6 for 2 calls\n", ended.out)

    def test_attempts_of_streams(self):
        config = """{ methodConfig = { { name = { {} }, retryPolicy = { maxAttempts = 4, initialBackoff = "0.01s",
          maxBackoff = "0.02s", backoffMultiplier = 1, retryableStatusCodes = { "UNAVAILABLE" } } } } }"""
        options = f"{{ service_config = {config}, retries = true }}"
        body = """
          local s = ch:open(api:method "lgen.echo.Echo/BidiStream")
          lgen.check("nobody knows at first", s.attempts == nil, s.attempts)
          s:send { payload = "x" }
          local reply, err = s:recv()
          lgen.check("it is answered in the end", reply and reply.payload == "x", err)
          print("attempts with the headers:", s.attempts)
          s:close()
          print("attempts at the end:", s.attempts)"""
        for tells, attempts in [(True, "3"), (False, "nil")]:
            with self.subTest(tells), Peer(answer_third_attempt(tells)) as peer:
                plan = self.plan(CALLS.replace("lgen.target)", f"lgen.target, {options})"), body)
                ended = self.run_plan(plan, "--target", peer.target)
                self.check(ended, 0)
                self.assertEqual(len(peer.seen), 3)
                self.assertIn(f"attempts with the headers:\t{attempts}\n", ended.out)
                self.assertIn(f"attempts at the end:\t{attempts}\n", ended.out)

    def test_a_server_that_does_not_tell(self):
        ended, peer = self.run_with(False, "true", """
          local reply, err, call = ch:call(Unary, {})
          lgen.check("it succeeds in the end", reply, err)
          lgen.check("after nobody knows how many", call.attempts == nil, call.attempts)""")
        self.check(ended, 0)
        self.assertEqual(len(peer.seen), 3)
        self.assertIn("  attempts: unknown for 1 call (retries are on", ended.out)

    def test_without_retries_a_failure_is_seen(self):
        ended, peer = self.run_with(True, "false", """
          local _, err = ch:call(Unary, {})
          lgen.check("it fails", tostring(err) == "UNAVAILABLE: busy", err)""")
        self.check(ended, 99)  # not one call succeeded
        self.assertEqual(len(peer.seen), 1)
        self.assertNotIn("attempts", ended.out)

    def test_hedging_is_refused(self):
        self.plan("lgen.grpc.channel('main', 'a:1', { service_config = '{\"methodConfig\":[{\"name\":[{}],"
                  "\"hedgingPolicy\":{\"maxAttempts\":2}}]}' })")
        self.check(self.run_words("check", "plan.lua"), 104,
                   'lgen: plan.lua:2: lgen.grpc.channel "main": service_config asks for hedgingPolicy, which gRPC '
                   "core 1.51 does not have; remove it")


class BalancingTest(LgenCase):
    """Several addresses behind one name."""

    CALLS = """
      local names, left = {}, 30  -- calls, once every address that is used has connected
      while left > 0 do
        local _, err, call = ch:call(Unary, {})
        if err then lgen.check("no call fails", false, err) break end
        local name = call.backend .. " at " .. call.peer
        if not names[name] then
          names[name] = true
          names[#names + 1] = name
        end
        if #names == USED then left = left - 1 end
      end
      table.sort(names)
      print(table.concat(names, ", "))
    """

    def run_with(self, policy, used):
        with Server("--pod", "pod-a", host="127.0.51.1") as first, \
                Server("--pod", "pod-b", "--grpc-port", "0", host="127.0.51.2", wait=False) as unused, \
                Server("--pod", "pod-b", "--grpc-port", first.grpc_port, host="127.0.51.3") as second, \
                NameServer("pods.test", [first.host, second.host]) as names:
            unused.stop()
            target = f"dns://{names.address}/pods.test:{first.grpc_port}"
            options = f'{{ lb = "{policy}", wait_for_ready = true }}'
            plan = self.plan(CALLS.replace("lgen.target)", f"lgen.target, {options})"),
                             self.CALLS.replace("USED", str(used)))
            ended = self.run_plan(plan, "--target", target, "--plaintext")
            self.check(ended, 0)
            calls = {series["labels"]["backend"]: series["value"]
                     for series in ended.summary["metrics"]["grpc_calls"]["series"]}
            return ended, calls, f"pod-a at {first.target}", f"pod-b at {second.target}"

    def test_round_robin_uses_every_address(self):
        ended, calls, first, second = self.run_with("round_robin", 2)
        self.assertIn(f"{first}, {second}\n", ended.out)
        self.assertGreaterEqual(min(calls.values()), 15)

    def test_pick_first_uses_one(self):
        _, calls, _, _ = self.run_with("pick_first", 1)
        self.assertEqual(list(calls.values()), [30])


class ArrivalTest(LgenCase):
    def test_the_user_agent_arrives(self):
        with Peer() as peer:
            plan = self.plan(CALLS.replace("lgen.target)", 'lgen.target, { user_agent = "probe/7" })'),
                             "ch:call(Unary, {})")
            self.check(self.run_plan(plan, "--target", peer.target), 0)
            self.assertRegex(peer.seen[0]["user-agent"], r"^probe/7 grpc-c/")

    def test_wait_for_ready_waits_for_a_server_that_comes_late(self):
        with Peer() as early:
            address = early.target
        plan = self.plan(CALLS, """
          local _, err = ch:call(Unary, {})
          lgen.check("without it a call fails at once", err.code == "UNAVAILABLE" and err.kind == "connect", err)
          io.stderr:write "now with patience\\n"
          lgen.check("with it the call waits", ch:call(Unary, {}, { wait_for_ready = true, timeout = 20 }))""")
        with self.start(plan, "--target", address, "--quiet", *CONNECT_LATE) as run:
            run.err.wait_for("now with patience")
            with Peer(address=address) as late:
                self.assertEqual(run.wait(), 0, run.out.all() + run.err.all())
                self.assertEqual(len(late.seen), 1)


class LimitTest(LgenCase):
    def test_messages_over_a_limit(self):
        limited = CALLS.replace("lgen.target)", 'lgen.target, { max_recv = "1KiB", max_send = "1KiB" })')
        with Peer() as peer:
            plan = self.plan(limited, """
              local _, err = ch:call(Unary, { payload = ("x"):rep(1025) })
              print(err)
              local _, err = ch:call(Unary, { payload = ("x"):rep(1018) })
              print(err)""")
            peer.answer = lambda request, context: echo.EchoReply(payload=b"y" * 2000)
            ended = self.run_plan(plan, "--target", peer.target)
        self.assertIn("RESOURCE_EXHAUSTED: Sent message larger than max (1028 vs. 1024); to allow it, raise the channel's "
                      "max_send (lgen bench: --max-send-message-size)\n", ended.out)
        self.assertIn("RESOURCE_EXHAUSTED: Received message larger than max (2003 vs. 1024); to allow it, raise the "
                      "channel's max_recv (lgen bench: --max-recv-message-size)\n", ended.out)

    def test_the_servers_own_limit(self):
        with Peer() as peer:  # 4 MiB, gRPC's default
            plan = self.plan(CALLS, """
              local _, err = ch:call(Unary, { payload = ("x"):rep(5000000) })
              print(err)""")
            ended = self.run_plan(plan, "--target", peer.target)
        self.assertIn("RESOURCE_EXHAUSTED: Received message larger than max (5000005 vs. 4194304); that limit is the "
                      "server's own\n", ended.out)


class WebServerTest(LgenCase):
    """A server that speaks HTTP/2 but not gRPC."""

    ADVICE = ", like a web server: is this the gRPC port, and do proxies in between pass gRPC on? (gRPC: "

    def test_each_answer_is_explained(self):
        plan = self.plan(CALLS, """
          local _, err = ch:call(Unary, {})
          print(err.kind, err)
          local s = ch:open(api:method "lgen.echo.Echo/BidiStream")
          local _, err = s:recv()
          print(err.kind, err)""")
        rows = [(200, "UNKNOWN", "without a gRPC status", "Stream removed"),
                (404, "UNIMPLEMENTED", "with HTTP status 404", "Received http2 header with status: 404"),
                (502, "UNAVAILABLE", "with HTTP status 502", "Received http2 header with status: 502")]
        for status, code, how, words in rows:
            with self.subTest(status), WebServer(status) as server:
                ended = self.run_plan(plan, "--target", server.target)
                line = f"status\t{code}: {server.target} answered {how}{self.ADVICE}{words})\n"
                self.assertEqual(ended.out.count(line), 2, ended.out)


if __name__ == "__main__":
    unittest.main()
