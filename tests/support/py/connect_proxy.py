"""An HTTP proxy that knows CONNECT alone, and counts who asked for what."""

import socket
import threading


class ConnectProxy:
    """Listens at `url`; `asked` are the targets of CONNECT so far. Whatever is asked for, it is passed on to it."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        self.asked = []
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        for end in [self._listener, *self._ends]:
            end.close()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._ends.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

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
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        self._ends.append(server)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()
        self._pass_on(client, server)

    @staticmethod
    def _pass_on(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of the two has left
