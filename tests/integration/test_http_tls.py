"""lgen.http and the files of TLS: wrong ones stop a run before it begins, and the system's CA store is read only by who
needs it."""

import os
import tempfile
import unittest

import certificates
from lgen import REPOSITORY
from lgen_runs import LgenCase
from proxies import Nginx

GET = os.path.join(REPOSITORY, "plans", "http_get.lua")
ONCE = ["--silent", "--duration", "10ms"]

REDIRECT = """
local lgen = require "lgen"
lgen.plan { api = 1, name = "wanders" }
local web = lgen.http.client("web", { FOLLOW })
lgen.scenario("main", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function() lgen.check("answered", web:get("http://127.0.0.1:1/")) end,
})
"""


class Files(LgenCase):
    def test_wrong_ones_end_with_104_before_anything_is_asked(self):
        for flags, says in [(["--ca", "nowhere.pem"], "CA file nowhere.pem"),
                            (["--cert", "nowhere.pem", "--key", "nowhere.key"], "client certificate nowhere.pem"),
                            (["--tls", "--key-log", "nowhere/keys"], "the key log nowhere/keys cannot be written")]:
            with self.subTest(flags):
                self.check(self.run_words(GET, "--target", "127.0.0.1:1", *flags, *ONCE), 104, says, 'client "web"')

    def test_they_are_also_looked_at_where_requests_may_come_to_https(self):
        self.write("follows.lua", REDIRECT.replace("FOLLOW", 'base = "http://127.0.0.1:1", follow = 1'))
        self.write("anywhere.lua", REDIRECT.replace("FOLLOW", ""))
        for plan in ["follows.lua", "anywhere.lua"]:
            with self.subTest(plan):
                self.check(self.run_words(plan, "--key-log", "nowhere/keys"), 104, "nowhere/keys cannot be written")


class CaStore(LgenCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(folder, "localhost", san="IP:127.0.0.1")
        lines = f'ssl_certificate {cls.certificate.cert}; ssl_certificate_key {cls.certificate.key};'
        answer = 'location / { return 200 "here"; }'
        cls.secure = cls.enterClassContext(Nginx(lines + answer, listen="ssl"))
        cls.plain = cls.enterClassContext(Nginx(answer, listen=""))

    def get(self, store, server, *flags):
        return self.run_words(GET, "--target", server.target, *flags, *ONCE, env={"SSL_CERT_FILE": store})

    def test_it_is_read_for_https(self):
        self.check(self.get(self.certificate.cert, self.secure, "--tls"), 0)
        refused = self.get(os.devnull, self.secure, "--tls")
        self.assertEqual(refused.code, 99, refused)
        self.assertIn("no root of this system vouches", " ".join(refused.out.split()))

    def test_it_is_not_read_without_https_or_where_nothing_is_verified(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)  # who opens it waits for ever
        self.check(self.get(pipe, self.plain), 0)
        self.check(self.get(pipe, self.secure, "--skip-verify"), 0)


if __name__ == "__main__":
    unittest.main()
