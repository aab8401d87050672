"""plans/unary.lua and plans/chat.lua: what users start from must run as it is, and say what it takes."""

import os
import subprocess
import unittest

import lgen
from programs import Server, binary

UNARY, BIDI = "lgen.echo.Echo/Unary", "lgen.echo.Echo/BidiStream"


def plan(name):
    return os.path.join(lgen.REPOSITORY, "plans", name + ".lua")


def words(*arguments):
    return subprocess.run([binary("lgen"), *arguments], capture_output=True, text=True, check=True).stdout


class EveryPlan(unittest.TestCase):
    def test_lgen_check(self):
        for name in ["unary", "chat"]:
            with self.subTest(name):
                self.assertEqual(words("check", plan(name)), f"{plan(name)}: ok ({name})\n")

    def test_help_fits_a_terminal_and_names_every_option(self):
        for name, options in [
                ("unary", "callers per-second timeout request-size reply-size work p99"),
                ("chat", "talkers lines every work p99")]:
            with self.subTest(name):
                text = words(plan(name), "--help")
                self.assertLessEqual(max(map(len, text.splitlines())), 80)
                own = text.partition("Plan:\n")[2].partition("\n\n")[0]
                found = [line.split()[0].removeprefix("--") for line in own.splitlines() if line.startswith("  --")]
                self.assertEqual(found, options.split())

    def test_the_first_line_says_what_it_shows(self):
        for name in ["unary", "chat"]:
            with self.subTest(name), open(plan(name), encoding="utf-8") as file:
                self.assertRegex(file.readline(), r"^-- How long does .*\? ")


class Unary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def run_plan(self, *flags):
        return lgen.run(plan("unary"), "--target", self.server.target, "--duration", "1s", *flags)

    def calls_served(self):
        prefix = f'grpc_server_call_duration_seconds_count{{grpc_method="{UNARY}"'
        return sum(value for name, value in self.server.metrics().items() if name.startswith(prefix))

    def test_the_rate_is_kept(self):
        before = self.calls_served()
        ran = self.run_plan("--per-second", 50, "--callers", 5, "--reply-size", "2KiB", "--p99", "20s")
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        calls = ran.summary.total("grpc_calls")
        self.assertEqual(calls, 50)
        self.assertEqual(self.calls_served() - before, calls)
        self.assertEqual(ran.summary.totals("grpc_calls", "method", "code"), {(UNARY, "OK"): calls})

    def test_as_fast_as_they_go(self):
        ran = self.run_plan("--per-second", 0, "--callers", 2)
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        self.assertEqual(ran.summary.total("grpc_calls"), ran.summary.total("iterations"))
        self.assertGreater(ran.summary.total("grpc_calls"), 2)

    def test_the_deadline(self):
        ran = self.run_plan("--per-second", 20, "--timeout", "50ms", "--work", "10s")
        self.assertEqual(ran.code, lgen.FAILED)
        self.assertEqual(set(ran.summary.totals("grpc_calls", "code")), {"DEADLINE_EXCEEDED"})

    def test_a_percentile_that_is_missed(self):
        ran = self.run_plan("--per-second", 20, "--work", "100ms", "--p99", "50ms")
        self.assertEqual(ran.code, lgen.FAILED)
        self.assertIn("grpc_call_duration_seconds p(99) < 0.05", ran.stderr)


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def run_plan(self, *flags):
        return lgen.run(plan("chat"), "--target", self.server.target, "--duration", "1s", *flags)

    def test_every_reply_is_matched_with_its_message(self):
        ran = self.run_plan("--talkers", 4, "--lines", 10, "--every", "0s..5ms", "--p99", "20s")
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        sent = ran.summary.total("grpc_messages_sent")
        self.assertGreaterEqual(sent, 40)
        self.assertEqual(ran.summary.total("grpc_messages_received"), sent)
        self.assertEqual(self.server.metrics()["app_messages_processed_count_total"], sent)
        (rtt,) = ran.summary.json["metrics"]["grpc_message_rtt_seconds"]["series"]
        self.assertEqual(rtt["count"], sent)
        self.assertEqual(ran.summary.totals("grpc_streams_ended", "code"),
                         {"OK": ran.summary.total("iterations")})

    def test_messages_overlap(self):
        # The server takes 0.2 s over each message, and the talker does not wait for replies.
        ran = self.run_plan("--talkers", 1, "--lines", 5, "--every", "1ms", "--work", "200ms", "--p99", "250ms")
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
        self.assertIn("grpc_message_rtt_seconds p(99) < 0.25", ran.stderr)
        (rtt,) = ran.summary.json["metrics"]["grpc_message_rtt_seconds"]["series"]
        self.assertGreater(rtt["max"], 0.9)  # the fifth waits for the four before it


if __name__ == "__main__":
    unittest.main()
