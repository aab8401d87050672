"""An HTTP proxy that knows CONNECT alone, and remembers who asked for what."""

from relay import Relay, dial


class ConnectProxy(Relay):
    """Listens at `url`; `asked` are the targets of CONNECT so far. Whatever is asked for, it is passed on to it."""

    def __init__(self):
        self.asked = []
        super().__init__(None)
        self.url = "http://" + self.target

    def _serve(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = client.recv(1)  # not a byte of what follows
            if not byte:
                return
            head += byte
        verb, target = head.decode().split()[:2]
        if verb != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        self.asked.append(target)
        server = dial(target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._join(client, server)
