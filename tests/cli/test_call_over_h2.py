"""The options of `lgen list`, `describe` and `call` over lgen's own client: the same tests. What a server hears of it are
packed headers, so those tests are the transport's own."""

import unittest

import test_call_flags as flags
from call_cases import OverH2


class Schema(OverH2, flags.Schema):
    pass


class Tls(OverH2, flags.Tls):
    pass


class Limits(OverH2, flags.Limits):
    pass


class Headers(OverH2, flags.Headers):
    pass


class Messages(OverH2, flags.Messages):
    pass


if __name__ == "__main__":
    unittest.main()
