"""What the scripted server of the conformance tests does, by name, and the code with which such a call ends by gRPC's
documents (PROTOCOL-HTTP2.md, statuscodes.md, compression.md, http-grpc-status-mapping.md) and HTTP/2's."""

import gzip
import zlib

from hyperframe import frame as frames

from h2_script import ENHANCE_YOUR_CALM, GRPC, NO_ERROR, OK, REFUSED_STREAM, encode, message

SCRIPTS = {}  # name: function of a Call
CODES = {}  # (name, "unary", "stream" or "open": a stream whose caller does not close its side): how the call ends
BODY = b"pong"
MAX = 2**20  # what the plan lets in: --limit of scripted.lua
NAMES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
         "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
         "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"]


def script(name, code, unary=None):
    """Registers a function. `unary`: the code of unary calls where they differ."""
    def add(run):
        SCRIPTS[name] = run
        CODES[name, "unary"], CODES[name, "stream"] = unary or code, code
        return run
    return add


def answers(name, parts, code="OK", unary=None):
    """Waits for the whole request and sends what `parts(call)` makes."""
    @script(name, code, unary)
    def run(call):
        call.wait_for_request()
        call.send(*parts(call))


def with_trailers(name, fields, headers=GRPC, body=message(BODY), code="OK", unary=None):
    answers(name, lambda call: [call.fields(headers), *in_frames(call, body), call.last_fields(fields)], code, unary)


def in_frames(call, body):
    """As many as the largest frame that everybody takes asks for."""
    return [call.data(body[i:i + 16384]) for i in range(0, len(body), 16384)]


answers("answer", lambda call: call.answer(BODY))  # also what every channel is asked for in the end

# ---- RST_STREAM, before and after an answer has begun ----

RESETS = {7: "UNAVAILABLE", 8: "CANCELLED", 11: "RESOURCE_EXHAUSTED", 12: "PERMISSION_DENIED"}
for number in range(15):
    answers(f"rst-{number}", lambda call, number=number: [call.rst(number)], RESETS.get(number, "INTERNAL"))
for number in [NO_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM]:
    as_code = RESETS.get(number, "INTERNAL")
    answers(f"headers-then-rst-{number}", lambda call, number=number: [call.fields(), call.rst(number)], as_code)
    answers(f"message-then-rst-{number}",
            lambda call, number=number: [call.fields(), call.data(message(BODY)), call.rst(number)], as_code)
    answers(f"trailers-then-rst-{number}", lambda call, number=number: [*call.answer(BODY), call.rst(number)])

# ---- statuses ----

for number, as_code in enumerate(NAMES):
    status = (("grpc-status", str(number)), ("grpc-message", f"no. {number}"))
    with_trailers(f"trailers-{number}", status, code=as_code)
    if number > 0:
        answers(f"trailers-only-{number}", lambda call, status=status: [call.last_fields((*GRPC, *status))], as_code)
for text in ["17", "99", "-1", "abc", "4294967296"]:
    with_trailers(f"grpc-status-{text}", (("grpc-status", text),), code="UNKNOWN")
for name, text in [
        ("percent", "50%25 of %C3%BC"), ("broken-percent", "50% %zz %4"), ("empty", ""), ("bytes", "\xff\xfe")]:
    with_trailers(f"grpc-message-{name}", (("grpc-status", "9"), ("grpc-message", text)), code="FAILED_PRECONDITION")
with_trailers("no-grpc-status", (("x-other", "1"),), code="UNKNOWN")
answers("headers-only", lambda call: [call.last_fields(GRPC)], "UNKNOWN")
answers("data-ends-it", lambda call: [call.fields(), call.data(message(BODY), ["END_STREAM"])], "UNKNOWN")
answers("empty-data-ends-it",
        lambda call: [call.fields(), call.data(message(BODY)), call.data(b"", ["END_STREAM"])], "UNKNOWN")

PAGES = {400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED"} | dict.fromkeys(
    [429, 502, 503, 504], "UNAVAILABLE")
for number in [204, 301, 405, 408, 413, 418, 500, 501, *PAGES]:
    answers(f"http-{number}", lambda call, number=number: [
        call.fields(((":status", str(number)), ("content-type", "text/html"))), call.data(b"<html>", ["END_STREAM"])],
        PAGES.get(number, "UNKNOWN"))
answers("http-503-with-grpc-status", lambda call: [
    call.last_fields(((":status", "503"), ("content-type", "application/grpc"), ("grpc-status", "8")))],
    "RESOURCE_EXHAUSTED")
answers("page", lambda call: [
    call.fields(((":status", "200"), ("content-type", "text/html"))), call.data(b"<html>", ["END_STREAM"])], "UNKNOWN")
with_trailers("grpc-proto", OK, ((":status", "200"), ("content-type", "application/grpc+proto")))
with_trailers("no-content-type", OK, ((":status", "200"),), code="UNKNOWN")
with_trailers("json", OK, ((":status", "200"), ("content-type", "application/json")), code="UNKNOWN")
answers("early-hints", lambda call: [call.fields(((":status", "103"), ("link", "x"))), *call.answer(BODY)])

# ---- messages ----

with_trailers("empty-message", OK, body=message())
with_trailers("large-message", OK, body=message(b"x" * 1000000))
with_trailers("two-messages", OK, body=message(b"one") + message(b"two"), unary="INTERNAL")
with_trailers("no-message", OK, body=b"", unary="INTERNAL")
answers("trailers-only-0", lambda call: [call.last_fields((*GRPC, *OK))], unary="INTERNAL")
with_trailers("cut-off-message", OK, body=message(b"x" * 100)[:50], code="INTERNAL")
with_trailers("cut-off-prefix", OK, body=message(BODY)[:3], code="INTERNAL")
with_trailers("message-then-cut-off", OK, body=message(BODY) + message(BODY)[:7], code="INTERNAL")
with_trailers("as-large-as-max", OK, body=message(b"x" * MAX))
with_trailers("as-large-as-max-in-gzip", OK, (*GRPC, ("grpc-encoding", "gzip")), message(gzip.compress(b"x" * MAX), 1))
with_trailers("larger-than-max-in-gzip", OK, (*GRPC, ("grpc-encoding", "gzip")),
              message(gzip.compress(b"x" * (MAX + 1)), 1), "RESOURCE_EXHAUSTED")
with_trailers("larger-than-max", OK, body=message(b"x" * (MAX + 1)), code="RESOURCE_EXHAUSTED")
with_trailers("promises-more-than-max", OK, body=b"\x00\xff\xff\xff\xff" + b"x" * 10, code="RESOURCE_EXHAUSTED")
with_trailers("flag-2", OK, body=b"\x02" + message(BODY)[1:], code="INTERNAL")
with_trailers("compressed-without-encoding", OK, body=message(gzip.compress(BODY), 1), code="INTERNAL")
for name, encoding, data, as_code in [
        ("gzip", "gzip", gzip.compress(BODY), "OK"), ("deflate", "deflate", zlib.compress(BODY), "OK"),
        ("raw-deflate", "deflate", zlib.compress(BODY)[2:-4], "INTERNAL"), ("snappy", "snappy", b"what", "INTERNAL"),
        ("broken-gzip", "gzip", b"no gzip", "INTERNAL"), ("cut-off-gzip", "gzip", gzip.compress(BODY)[:-6], "INTERNAL"),
        ("compressed-by-identity", "identity", BODY, "INTERNAL"),
        ("bomb", "gzip", gzip.compress(bytes(50_000_000)), "RESOURCE_EXHAUSTED")]:
    with_trailers(name, OK, (*GRPC, ("grpc-encoding", encoding)), message(data, 1), as_code)
with_trailers("snappy-but-plain", OK, (*GRPC, ("grpc-encoding", "snappy")))
with_trailers("gzip-but-plain", OK, (*GRPC, ("grpc-encoding", "gzip")))

# ---- framing that is unusual and right ----

answers("byte-by-byte", lambda call: [
    call.fields(), *(call.data(bytes([byte])) for byte in message(BODY)), call.last_fields()])
answers("padded", lambda call: [
    call.fields(), call.data(message(BODY), ["PADDED"], pad_length=200), call.last_fields()])
answers("empty-frames", lambda call: [
    call.fields(), *[call.data(b"")] * 20, call.data(message(BODY)), *[call.data(b"")] * 20, call.last_fields()])


def continued(call, fields, flags=()):
    """A header block in a HEADERS frame of one byte and three of CONTINUATION."""
    block = encode(fields)
    rest = [frames.ContinuationFrame(call.stream, part) for part in [block[1:3], b"", block[3:]]]
    rest[-1].flags.add("END_HEADERS")
    return [frames.HeadersFrame(call.stream, block[:1], flags=flags), *rest]


answers("continuations", lambda call: [
    *continued(call, GRPC), call.data(message(BODY)), *continued(call, OK, ["END_STREAM"])])
answers("unknown-frames", lambda call: [
    b"\x00\x00\x04\xee\x00" + call.stream.to_bytes(4, "big") + b"what", call.fields(),
    b"\x00\x00\x04\xee\x00" + bytes(4) + b"what", call.data(message(BODY)), call.last_fields()])
answers("uppercase-header", lambda call: [  # against HTTP/2's rules, and harmless: who measures looks no closer
    call.fields((*GRPC, ("X-Upper", "1"))), call.data(message(BODY)), call.last_fields()])
answers("priority", lambda call: [
    frames.PriorityFrame(call.stream, depends_on=0, stream_weight=3), *call.answer(BODY)])
answers("dynamic-table", lambda call: [
    call.fields((*GRPC, ("x-new", "entry"), ("x-new", "entry"))), call.data(message(BODY)), call.last_fields()])
answers("many-headers", lambda call: [
    call.fields((*GRPC, *((f"x-{n}", "v" * 20) for n in range(100)))), call.data(message(BODY)), call.last_fields()])


def answers_early(name, parts, code="OK"):
    """Of a stream whose caller does not close its side: sends what `parts(call)` makes at once, and RST_STREAM(NO_ERROR): read no further (RFC 9113, 8.1)."""
    def run(call):
        call.send(*parts(call), call.rst(NO_ERROR))
    SCRIPTS[name], CODES[name, "open"] = run, code


answers_early("early-answer", lambda call: call.answer(BODY))
answers_early("early-status", lambda call: [call.last_fields((*GRPC, ("grpc-status", "9")))], "FAILED_PRECONDITION")
answers_early("early-reset", lambda call: [], "INTERNAL")
answers_early("early-page", lambda call: [
    call.fields(((":status", "200"), ("content-type", "text/html"))), call.data(b"<html>", ["END_STREAM"])], "UNKNOWN")
answers_early("early-http-503", lambda call: [call.last_fields(((":status", "503"),))], "UNAVAILABLE")


@script("drip", "OK")
def drip(call):
    call.wait_for_request()
    call.send(*call.answer(BODY), bytewise=True)


@script("settings-in-between", "OK")
def settings_in_between(call):
    call.wait_for_request()
    call.send(call.fields(), frames.SettingsFrame(settings={1: 0, 4: 100000, 5: 20000}), call.data(message(BODY)))
    while "ACK" not in call.wait_for_own(frames.SettingsFrame).flags:
        pass
    call.send(call.last_fields())


@script("ping-first", "OK")
def ping_first(call):
    call.wait_for_request()
    call.send(frames.PingFrame(opaque_data=b"answer!!"))
    while call.wait_for_own(frames.PingFrame).opaque_data != b"answer!!":
        pass
    call.send(*call.answer(BODY))


# ---- framing that is wrong: of a stream alone INTERNAL, of the connection UNAVAILABLE ----

answers("no-status", lambda call: [
    call.fields((("content-type", "application/grpc"),)), call.data(message(BODY)), call.last_fields()], "UNKNOWN")
answers("window-overflow", lambda call: [frames.WindowUpdateFrame(call.stream, window_increment=2**31 - 1)], "INTERNAL")


def breaks(name, parts):
    answers(name, parts, "UNAVAILABLE")


breaks("data-without-headers", lambda call: [call.data(message(BODY)), call.last_fields()])
breaks("data-on-stream-0", lambda call: [b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"])
breaks("data-on-an-idle-stream", lambda call: [frames.DataFrame(call.stream + 100, b"x")])
breaks("push", lambda call: [
    frames.PushPromiseFrame(call.stream, 2, encode(GRPC), flags=["END_HEADERS"])])
breaks("frame-too-large", lambda call: [call.fields(), b"\xff\xff\xff\x00\x00" + call.stream.to_bytes(4, "big")])
breaks("bad-hpack", lambda call: [frames.HeadersFrame(call.stream, b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"])])
breaks("garbage", lambda call: [b"This is no frame at all, but long enough to be taken for one. " * 3])
breaks("own-window-overflow", lambda call: [frames.WindowUpdateFrame(0, window_increment=2**31 - 1)])
breaks("settings-of-wrong-size", lambda call: [b"\x00\x00\x05\x04\x00\x00\x00\x00\x00xxxxx"])
breaks("bad-window-setting", lambda call: [frames.SettingsFrame(settings={4: 2**31})])

# ---- GOAWAY and lost connections ----


def goaway(name, code=NO_ERROR, text=b"", last=0, answer=True):
    """`last`: added to the call's own stream; below 0: it was not looked at."""
    answers(name, lambda call: [call.goaway(max(0, call.stream + last), code, text),
                                *(call.answer(BODY) if answer else [])], "OK" if answer else "UNAVAILABLE")


goaway("goaway-then-answer")
goaway("goaway-in-two-steps", last=2**31 - 1 - 1)
goaway("goaway-refuses", last=-2, answer=False)
goaway("goaway-calm-refuses", ENHANCE_YOUR_CALM, b"too_many_pings", last=-2, answer=False)
goaway("goaway-error-then-answer", 2, b"internal trouble")


@script("goaway-then-fin", "UNAVAILABLE")
def goaway_then_fin(call):
    call.wait_for_request()
    call.send(call.goaway(call.stream, ENHANCE_YOUR_CALM, b"too_many_pings"))
    call.connection.end()


@script("fin", "UNAVAILABLE")
def fin(call):
    call.wait_for_request()
    call.connection.end()


@script("reset", "UNAVAILABLE")
def reset(call):
    call.wait_for_request()
    call.connection.reset()


@script("fin-after-headers", "UNAVAILABLE")
def fin_after_headers(call):
    call.wait_for_request()
    call.send(call.fields())
    call.connection.end()


@script("fin-in-a-message", "UNAVAILABLE")
def fin_in_a_message(call):
    call.wait_for_request()
    call.send(call.fields(), call.data(message(BODY)[:6]))
    call.connection.end()


@script("reset-in-a-frame", "UNAVAILABLE")
def reset_in_a_frame(call):
    call.wait_for_request()
    call.send(call.fields(), call.data(message(BODY)).serialize()[:12])
    call.connection.reset()


@script("fin-after-the-answer", "OK")
def fin_after_the_answer(call):
    call.wait_for_request()
    call.send(*call.answer(BODY))
    call.connection.end()
