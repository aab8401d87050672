"""Connections that end in every way leave no descriptor behind, over both transports, and every call is accounted for."""

import collections
import os
import queue
import socket
import unittest

from hyperframe import frame as frames

from conformance_case import ConformanceCase
from h2_script import ScriptedServer, message
from raw_servers import Listener
from transports import TRANSPORTS, both_running, plan
from waiting import PATIENCE_SECONDS, dead_target, eventually

ROUNDS = 3


def then(end):
    """A script that begins an answer, breaks it off in the middle of a frame, and ends as `end(call)` does."""
    def run(call):
        call.wait_for_request()
        call.send(call.fields(), call.data(message(b"x" * 100)).serialize()[:50])
        end(call)
    return run


def in_single_bytes(call):
    call.wait_for_request()
    call.send(*call.answer(b"pong"), bytewise=True)


def goaway(call):
    call.wait_for_request()
    call.send(call.goaway(call.stream), *call.answer(b"pong"))


def half_open(call):
    """The server says no more, but keeps the connection until the client has closed it."""
    call.wait_for_request()
    call.connection.socket.shutdown(socket.SHUT_WR)


def answer(call):
    call.wait_for_request()
    call.send(*call.answer(b"pong"))


# What a server does, and how calls end then.
ENDS = {
    "answer": (answer, "OK"),
    "in-single-bytes": (in_single_bytes, "OK"),
    "goaway": (goaway, "OK"),
    "half-open": (half_open, "UNAVAILABLE"),
    "reset": (lambda call: call.connection.reset(), "UNAVAILABLE"),
    "fin-in-a-frame": (then(lambda call: call.connection.end()), "UNAVAILABLE"),
    "reset-in-a-frame": (then(lambda call: call.connection.reset()), "UNAVAILABLE"),
}


def silence(call):
    """Until the client has had enough of it."""
    while not isinstance(call.next_frame(), frames.RstStreamFrame):
        pass


class Descriptors(ConformanceCase):
    # (form, name): how each ends, of one round.
    ENDED = collections.Counter(
        {(form, name, code): 1 for name, (_, code) in ENDS.items() for form in ["unary", "stream"]} |
        {(form, "silence", code): 1 for code in ["DEADLINE_EXCEEDED", "CANCELLED"] for form in ["unary", "stream"]} |
        {("unary", name, "DEADLINE_EXCEEDED"): 1 for name in ["mute", "nobody", "handshake", "no TLS there"]})

    def test_every_end(self):
        for transport in TRANSPORTS:
            with self.subTest(transport):
                run = self.run_over(transport)
                self.assertEqual(run.code, 0, run.stdout + run.stderr)
                self.check_ends(run)

    def run_over(self, transport):
        looks = queue.SimpleQueue()
        scripts = {name: run for name, (run, _) in ENDS.items()} | {"silence": silence, "look": looks.put}
        with ScriptedServer(scripts) as server, Listener() as mute, dead_target() as nobody, \
                both_running(plan("descriptors.lua"), "--target", server.target, "--mute", mute.target, "--nobody", nobody,
                             "--names", ",".join(ENDS), "--rounds", ROUNDS, "--quiet", transports=[transport]) as runs:
            run = runs[transport]
            self.watch(run.process.pid, looks)
            run.finish()
            self.assertEqual(server.mistakes, [])
            return run

    def watch(self, pid, looks):
        """Whenever the plan asks for it, there are as many as at first."""
        folder = f"/proc/{pid}/fd"
        base = 0
        for _ in range(ROUNDS + 1):
            call = looks.get(timeout=PATIENCE_SECONDS)
            base = base or len(os.listdir(folder))
            try:
                eventually(lambda: len(os.listdir(folder)) <= base, f"no more than {base} descriptors")
            except AssertionError:
                self.fail(f"{base} descriptors at first, now {[os.readlink(f'{folder}/{fd}') for fd in os.listdir(folder)]}")
            answer(call)

    def check_ends(self, run):
        self.assertEqual(run.summary.json["conservation"], "", run.stdout)
        ended = collections.Counter((event["form"], event["name"], event["code"])
                                    for event in run.summary.events("ended"))
        expected = collections.Counter({end: ROUNDS for end in self.ENDED})
        self.assertEqual((ended - expected, expected - ended), ({}, {}), run.stdout)


if __name__ == "__main__":
    unittest.main()
