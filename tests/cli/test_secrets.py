"""What is secret stays out of everything that a run leaves behind."""

import glob
import os

from lgen_runs import CALLS, LgenCase
from programs import Server

SECRET = "s3cr3t-T0ken,with=signs"
LISTED = "other-s3cr3t"

OPTIONS = """
local opt = lgen.options { { "token", secret = true }, { "keys", secret = true, list = true }, { "plain" } }
local h = lgen.histogram("mine_seconds", { unit = "s", labels = { "who" } })
local c = lgen.counter("count", { labels = { "who" } })
local d = lgen.distribution("spread", {})
"""

BODY = """
  lgen.tag("user", opt.token)
  h:record(1, { who = opt.token })
  c:add(1, { who = opt.keys[2] })
  d:add(opt.token, opt.keys[1])
  lgen.event("login", { with = opt.token })
  lgen.check("logged in as " .. opt.token, false, "no " .. opt.keys[1])
  local metadata = { authorization = "Bearer " .. opt.token }
  ch:call(Unary, { status_code = 16, status_message = "bad token " .. opt.token }, { metadata = metadata })
  local s = ch:open(api:method "lgen.echo.Echo/BidiStream", { metadata = metadata })
  s:send { status_code = 7, status_message = opt.keys[2] .. " is wrong" } s:close()
  lgen.sleep(1.1)
  error("cannot go on with " .. opt.token)
"""

OUTPUTS = ["json", "html", "csv", "junit", "ndjson", "hdr"]


class SecretsTest(LgenCase):
    def test_no_output_has_them(self):
        self.plan(OPTIONS + CALLS, BODY)
        outs = [word for form in OUTPUTS for word in ("--out", f"{form}=out.{form}")]
        with Server() as server:
            ended = self.run_words("plan.lua", "--target", server.target, *outs, "--token", SECRET, "--plain", "seen",
                                   env={"TOKEN": SECRET}, *["--keys", f"first-{LISTED},{LISTED}"])
        self.assertEqual(ended.code, 99, ended)
        texts = {"stdout": ended.out, "stderr": ended.err}
        for path in glob.glob(self.path("out.*")):
            with open(path, encoding="utf-8") as file:
                texts[os.path.basename(path)] = file.read()
        self.assertEqual(set(texts), {"stdout", "stderr", *(f"out.{form}" for form in OUTPUTS)})
        for name, text in texts.items():
            with self.subTest(name):
                for secret in (SECRET, LISTED, "s3cr3t"):
                    self.assertNotIn(secret, text)
        for name in ("out.json", "out.html", "out.csv", "out.junit", "out.ndjson", "out.hdr"):
            self.assertIn("***", texts[name], "what stood there is hidden, not left out")
        self.assertIn("seen", texts["out.json"])

    def test_trace_and_log(self):
        self.plan(OPTIONS + CALLS, "lgen.log.warn('with %s', opt.token)" + BODY)
        with Server() as server:
            ended = self.run_words("plan.lua", "--target", server.target, "--quiet", "--trace=9", "--log", "debug",
                                   "--token", SECRET, "--keys", f"first-{LISTED},{LISTED}")
        self.assertEqual(ended.code, 99, ended)
        self.assertIn("Bearer ***", ended.err)
        self.assertIn("with ***", ended.err)
        self.assertNotIn("s3cr3t", ended.err)

    def test_a_run_that_ends_early_hides_them_too(self):
        self.plan(OPTIONS.replace("local d", "lgen.setup(function() error('no ' .. opt.token) end)\nlocal d"))
        ended = self.run_words("plan.lua", "--token", SECRET, "--out", "r.json")
        self.assertEqual(ended.code, 107, ended)
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertNotIn("s3cr3t", file.read() + ended.out + ended.err)

    def test_a_secret_that_does_not_fit_is_not_shown(self):
        self.plan('lgen.options { { "pin", "int", secret = true } }')
        ended = self.run_words("plan.lua", "--pin", "12e4x-s3cr3t")
        self.check(ended, 104, "--pin: what was given is no int")
        self.assertNotIn("s3cr3t", ended.err)
