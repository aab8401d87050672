"""What both transports make of a server that does, frame by frame, what servers should not or seldom do: the same, but
for what DESIGN.md lists."""

import re
import unittest

from conformance_scripts import CODES, SCRIPTS
from h2_script import ScriptedServer
from transports import TRANSPORTS, Differences, both_running, plan
from waiting import PATIENCE_SECONDS

# Who has ended a call, by its code; the rest was the server ("status").
KINDS = {"OK": ("", "status"), "DEADLINE_EXCEEDED": ("timeout",)}
# After these the next call may fail, too: the connection ends at this moment, or gRPC core has skipped a header block
# and understands the next one no more.
SURPRISES = {"fin-after-the-answer", "push"}


def says_it_itself(name):
    """Whether the server's grpc-message is the text."""
    return name.startswith(("trailers-", "grpc-status-", "grpc-message-")) or name in {"http-503-with-grpc-status", "early-status"}


# Texts about what a message holds, or about time, need no place: the report says which method it was.
ABOUT_BYTES = re.compile("message|reply|decompressing|data flags|frame of size|Deadline Exceeded")


class Scripted(unittest.TestCase):
    """Each script by a unary call and by streams, all in one run for each transport."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.differences = Differences()
        cls.ended, cls.afterwards = {}, {}
        with ScriptedServer(SCRIPTS) as server:
            cls.target = server.target
            cls.runs = {transport: cls.run_all(server, transport) for transport in TRANSPORTS}
            cls.mistakes = server.mistakes

    @classmethod
    def run_all(cls, server, transport):
        # A call that hangs with one transport is not waited for longer than necessary.
        hanging = ["/".join(case) for case in CODES if cls.listed(*case, transport) == "DEADLINE_EXCEEDED"]
        closed, left_open = (",".join(name for name, form in CODES if form == wanted) for wanted in ["unary", "open"])
        with both_running(plan("scripted.lua"), "--target", server.target, "--names", closed, "--open", left_open,
                          "--hanging", ",".join(hanging), "--quiet", transports=[transport]) as runs:
            ran = runs[transport].finish(4 * PATIENCE_SECONDS)
        for name, kept in [("ended", cls.ended), ("afterwards", cls.afterwards)]:
            kept[transport] = {(event["name"], event["form"]): event for event in ran.summary.events(name)}
        return ran

    @classmethod
    def listed(cls, name, form, transport):
        """The code by the table of differences, if it is there."""
        says = cls.differences.of(f"{name}/{form}", transport) or cls.differences.of(name, transport)
        return says and says[0]

    def on_each_transport(self, check):
        for transport in TRANSPORTS:
            with self.subTest(transport):
                check(transport)

    def test_everything_was_tried_and_is_accounted_for(self):
        self.assertEqual(self.mistakes, [])

        def check(transport):
            summary = self.runs[transport].summary
            self.assertEqual(summary.json["conservation"], "", self.runs[transport].stdout)
            self.assertEqual(set(self.ended[transport]), set(CODES))
            tries = sum(after["tries"] for after in self.afterwards[transport].values())
            self.assertEqual(summary.total("grpc_calls") + summary.total("grpc_streams_opened"), len(CODES) + tries)

        self.on_each_transport(check)

    def test_codes(self):
        def check(transport):
            wrong = {}
            for case, event in self.ended[transport].items():
                code = self.listed(*case, transport) or CODES[case]
                if event["code"] != code:
                    wrong[case] = f"{event['code']}, not {code}: {event['message']}"
            self.assertEqual(wrong, {})

        self.on_each_transport(check)

    def test_who_ended_it(self):
        def check(transport):
            wrong = {case: (event["code"], event["kind"]) for case, event in self.ended[transport].items()
                     if event["kind"] not in KINDS.get(event["code"], ("status",))}
            self.assertEqual(wrong, {})

        self.on_each_transport(check)

    def test_replies_are_the_same(self):
        wrong = {}
        for case, event in self.ended["h2"].items():
            other = self.ended["grpc"][case]
            if event["code"] == other["code"] and event["replies"] != other["replies"]:
                wrong[case] = (other["replies"], event["replies"])
        self.assertEqual(wrong, {})

    def test_the_channel_serves_afterwards(self):
        def check(transport):
            wrong = {case: after for case, after in self.afterwards[transport].items()
                     if (after["err"] or after["tries"] > 1) and case[0] not in SURPRISES}
            self.assertEqual(wrong, {})

        self.on_each_transport(check)

    def test_failures_name_cause_and_place(self):
        """The report says which method failed; the text says where, unless it is about a message's bytes."""
        def check(transport):
            places = {error["where"].split("/")[0] for error in self.runs[transport].summary.json["errors"]}
            self.assertEqual(places, {"scripted"})
            mute = {case: event["message"] for case, event in self.ended[transport].items()
                    if event["code"] != "OK" and not says_it_itself(case[0])
                    and self.target not in event["message"] and not ABOUT_BYTES.search(event["message"])}
            self.assertEqual(mute, {})

        self.on_each_transport(check)

    def test_the_table_of_differences_is_true(self):
        stale = []
        for name in self.differences.scripts():
            cases = [tuple(name.split("/"))] if "/" in name else [case for case in CODES if case[0] == name]
            self.assertNotEqual(cases, [], name)
            for case in cases:
                self.assertTrue(case in CODES, f"{name}, in the table of DESIGN.md, is no case")
                if self.ended["grpc"][case]["code"] == self.ended["h2"][case]["code"]:
                    stale.append("/".join(case))
        self.assertEqual(stale, [])


if __name__ == "__main__":
    unittest.main()
