"""A web server on HTTP/2 where a gRPC server was expected: it answers every request with a page, in frames made by
hand."""

import socket
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
ACK = END_STREAM = 1
END_HEADERS = 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """A header in HPACK: a literal, not indexed, without Huffman's code."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class WebServer:
    """Listens at `target`; every request gets `status`, `content_type` and `body`."""

    def __init__(self, status=200, content_type="text/html", body=b"<!DOCTYPE html><html>Welcome</html>"):
        self._headers = field(":status", str(status)) + (field("content-type", content_type) if content_type else b"")
        self._body = body
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as reader:
            try:
                if reader.read(len(PREFACE)) != PREFACE:
                    return
                client.sendall(frame(SETTINGS, 0, 0))
                while head := reader.read(9):
                    size, kind = int.from_bytes(head[:3], "big"), head[3]
                    flags, stream = head[4], int.from_bytes(head[5:], "big")
                    reader.read(size)
                    self._answer(client, kind, flags, stream)
            except OSError:
                pass  # the client has left

    def _answer(self, client, kind, flags, stream):
        if kind == SETTINGS and not flags & ACK:
            client.sendall(frame(SETTINGS, ACK, 0))
        elif kind == HEADERS:
            client.sendall(frame(HEADERS, END_HEADERS, stream, self._headers))
            client.sendall(frame(DATA, END_STREAM, stream, self._body))
