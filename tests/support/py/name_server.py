"""A name server for one name: every A record it is given, no other answer."""

import socket
import struct
import threading

NAME_ERROR, A_RECORD = 3, 1


class NameServer:
    """Answers on UDP at `address`; `addresses` may change while it runs."""

    def __init__(self, name, addresses):
        self._name = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\x00"
        self.addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(query), client)
            except OSError:
                return

    def _answer(self, query):
        end = query.index(b"\x00", 12) + 1
        name, kind = query[12:end].lower(), struct.unpack(">H", query[end:end + 2])[0]
        known = name == self._name
        records = self.addresses if known and kind == A_RECORD else []
        head = query[:2] + struct.pack(">HHHHH", 0x8580 | (0 if known else NAME_ERROR), 1, len(records), 0, 0)
        answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", A_RECORD, 1, 60, 4) + socket.inet_aton(address)
                           for address in records)
        return head + query[12:end + 4] + answers
