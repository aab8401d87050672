"""A server that does to a gRPC client, frame by frame, what real servers do not do, or not when told to.

Whoever calls method /scripted/NAME gets the script of that name: a function of one `Call`, which runs in a thread of
its own once the call's headers have arrived. Frames are made by hyperframe and hpack, which do not mind nonsense.
"""

import queue
import socket
import struct
import threading

import hpack
from hyperframe import frame as frames
from hyperframe.exceptions import HyperframeError

from waiting import PATIENCE_SECONDS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GRPC = ((":status", "200"), ("content-type", "application/grpc"))
OK = (("grpc-status", "0"),)

NO_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 7, 11  # HTTP/2's error codes


class Left(Exception):
    """The client has left, or the test is over."""


def message(body=b"", compressed=0):
    """A message as gRPC frames it."""
    return bytes([compressed]) + struct.pack(">I", len(body)) + body


def encode(fields):
    """A header block that refers to no block before it: calls' threads send theirs in whatever order."""
    return hpack.Encoder().encode(fields, huffman=False)


class Connection:
    """One client. `send` may be called by every call's thread."""

    def __init__(self, client, server):
        self.socket, self._server = client, server
        self._decoder = hpack.Decoder()
        self._lock = threading.Lock()
        self._calls = {}
        self.own = queue.SimpleQueue()  # what the client sends on stream 0

    def send(self, *parts, bytewise=False):
        """Frames, or bytes as they are, in one piece; or each byte in a segment of its own, as far as the system lets it.
        Nothing else comes in between: the thread that reads answers pings and settings at any moment."""
        data = b"".join(part if isinstance(part, bytes) else part.serialize() for part in parts)
        with self._lock:
            try:
                for piece in [bytes([byte]) for byte in data] if bytewise else [data]:
                    self.socket.sendall(piece)
            except OSError as error:
                raise Left from error

    def end(self):
        """FIN, as a process that ends well leaves it."""
        self._stop(socket.SHUT_RDWR)

    def reset(self):
        """RST, as a process leaves it that is killed with unread data."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._stop(socket.SHUT_RD)

    def _stop(self, how):
        """The thread that reads wakes up and closes the socket."""
        try:
            self.socket.shutdown(how)
        except OSError:
            pass  # the client was faster

    def serve(self):
        """Until the client leaves."""
        try:
            with self.socket, self.socket.makefile("rb") as reader:
                if reader.read(len(PREFACE)) == PREFACE:
                    self.send(*self._server.first_frames)
                    while self._read_frame(reader):
                        pass
        except (OSError, ValueError, HyperframeError, Left):
            pass  # the client has left
        finally:
            for call in self._calls.values():
                call.frames.put(None)
            self.own.put(None)
            self._server.forget(self)

    def _read_frame(self, reader):
        head = reader.read(9)
        if len(head) < 9:
            return False
        frame, size = frames.Frame.parse_frame_header(memoryview(head))
        frame.parse_body(memoryview(reader.read(size)))
        if frame.stream_id == 0:
            self._on_own(frame)
        elif isinstance(frame, frames.HeadersFrame):
            self._on_headers(frame)
        elif frame.stream_id in self._calls:
            self._calls[frame.stream_id].frames.put(frame)
        return True

    def _on_own(self, frame):
        if isinstance(frame, frames.SettingsFrame) and "ACK" not in frame.flags:
            self.send(frames.SettingsFrame(flags=["ACK"]))
        elif isinstance(frame, frames.PingFrame) and "ACK" not in frame.flags:
            self.send(frames.PingFrame(opaque_data=frame.opaque_data, flags=["ACK"]))
        else:
            self.own.put(frame)

    def _on_headers(self, frame):
        call = Call(self, frame.stream_id, self._decoder.decode(frame.data))
        self._calls[frame.stream_id] = call
        call.frames.put(frame)
        self._server.start(call)


class Call:
    """One stream of a client, and what a script can do to it."""

    def __init__(self, connection, stream, fields):
        self.connection, self.stream, self.fields_in_order = connection, stream, fields
        self.headers = dict(fields)
        self.frames = queue.SimpleQueue()

    def next_frame(self, of=None):
        source = of or self.frames
        try:
            frame = source.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            frame = None
        if frame is None:
            raise Left
        return frame

    def wait_for_request(self):
        """Until the client has closed its side; its data."""
        data = b""
        while True:
            frame = self.next_frame()
            if isinstance(frame, frames.DataFrame):
                data += frame.data
            if "END_STREAM" in frame.flags:
                return data

    def wait_for(self, kind):
        """The next frame of that class that the client sends on this stream."""
        while not isinstance(frame := self.next_frame(), kind):
            pass
        return frame

    def wait_for_own(self, kind):
        """The same of the connection."""
        while not isinstance(frame := self.next_frame(self.connection.own), kind):
            pass
        return frame

    def send(self, *parts, bytewise=False):
        self.connection.send(*parts, bytewise=bytewise)

    # Frames of this stream, not sent yet.

    def fields(self, fields=GRPC, flags=("END_HEADERS",)):
        return frames.HeadersFrame(self.stream, encode(fields), flags=flags)

    def last_fields(self, fields=OK):
        return self.fields(fields, ("END_HEADERS", "END_STREAM"))

    def data(self, body, flags=(), **more):
        return frames.DataFrame(self.stream, body, flags=flags, **more)

    def rst(self, code):
        return frames.RstStreamFrame(self.stream, code)

    def goaway(self, last, code=NO_ERROR, text=b""):
        return frames.GoAwayFrame(0, last, code, text)

    def answer(self, body=b""):
        """A whole answer."""
        return [self.fields(), self.data(message(body)), self.last_fields()]


class ScriptedServer:
    """Listens at `target`. `scripts`: {name: function of a Call}. `settings`: what the first frame says."""

    def __init__(self, scripts, settings=None, first_frames=None):
        self._scripts = scripts
        self.first_frames = [frames.SettingsFrame(settings=settings or {})] if first_frames is None else first_frames
        self.connections = 0
        self.mistakes = []  # what scripts have raised, for the test
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.target = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            connection.end()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            connection = Connection(client, self)
            self._open.add(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def forget(self, connection):
        self._open.discard(connection)

    def start(self, call):
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call):
        name = call.headers[":path"].rsplit("/", 1)[-1]
        try:
            self._scripts[name](call)
        except Left:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.mistakes.append(f"{name}: {error!r}")
