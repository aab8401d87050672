"""Secrets of data: nothing that lgen writes has them, wherever a plan has put them."""

import os

from lgen_runs import CALLS, LgenCase
from programs import Server

PASSWORD, PIN, TOKEN = "hunter2-hunter", "471147", "open-\"sesame\"\n-open"

TOP = CALLS + """
local users = lgen.data.csv("users.csv", { secret = { "password", "pin" } })
local opt = lgen.options { { "pass", secret = true } }
local logins = lgen.counter("logins", { labels = { "with" } })
"""

BODY = """
    local u = users:next()
    local function tell(...) lgen.log.warn(...) end
    lgen.tag("pin", u.pin)
    lgen.event("login", { password = u.password })
    logins:add(1, { with = u.password })
    tell("%s logs in with %s and %s", u.name, u.password, opt.pass)
    ch:call(SayHello, { name = u.name .. ":" .. u.password }, { metadata = { ["x-pin"] = u.pin } })
    ch:call(Unary, { status_code = 7, status_message = "no " .. u.password .. " for " .. opt.pass })
    lgen.check("let in", false, "refused: " .. u.password)
    local ok, what = pcall(ch.call, ch, SayHello, { name = 5, u = u.pin })
    error("in the end " .. opt.pass .. " and " .. u.pin .. ": " .. what)
"""

OUTPUTS = ["json", "html", "csv", "junit", "ndjson", "hdr"]


class DataSecretsTest(LgenCase):
    def setUp(self):
        super().setUp()
        self.write("users.csv", f"name,password,pin\nada,{PASSWORD},{PIN}\n")

    def test_no_output_has_them(self):
        self.plan(TOP, BODY)
        words = [word for name in OUTPUTS for word in ("--out", f"{name}=out.{name}")]
        with Server() as server:
            ended = self.run_words("plan.lua", "--target", server.target, "--trace=5", "--log", "debug", "--pass", TOKEN,
                                   *words)
        self.check(ended, 99, "trace #1 > metadata {[\"x-pin\"] = \"***\"}", '{name = "ada:***"}',
                   "ada logs in with *** and ***")
        texts = {"stdout": ended.out, "stderr": ended.err}
        for name in os.listdir(self.folder):
            if name.startswith("out."):
                with open(self.path(name), encoding="utf-8") as file:
                    texts[name] = file.read()
        self.assertGreaterEqual(len(texts), 2 + len(OUTPUTS))
        for where, text in texts.items():
            for secret in (PASSWORD, PIN, "sesame"):
                with self.subTest(where, secret=secret):
                    self.assertNotIn(secret, text)
