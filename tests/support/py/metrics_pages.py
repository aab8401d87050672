"""Metrics pages by hand: a pod that says what a test wants, and a service discovery of such pods."""

import contextlib
import http.server
import json
import threading


class Page:
    """Answers every GET with `body`; all of it may change while it runs. `asked` counts the requests, which
    wait while `held` is not set. From GET /close on the answer is 503."""

    def __init__(self, body="", status=200, content_type="text/plain; version=0.0.4"):
        self.body, self.status, self.content_type = body, status, content_type
        self.asked = 0
        self.held = threading.Event()
        self.held.set()
        self.headers = None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self._server.server_port
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one write an answer

            def do_GET(self):
                page.asked += 1
                page.headers = dict(self.headers)
                page.held.wait()
                page.status = 503 if self.path == "/close" else page.status
                text = page.body if isinstance(page.body, bytes) else page.body.encode()
                self.send_response(page.status)
                self.send_header("Content-Type", page.content_type)
                self.send_header("Content-Length", str(len(text)))
                with contextlib.suppress(OSError):  # the client may have seen enough
                    self.end_headers()
                    self.wfile.write(text)

            def log_message(self, *_):
                pass

        return Handler


class Discovery(Page):
    """Prometheus' HTTP service discovery; `show` says which pods there are now, {name: address}."""

    def __init__(self, **pods):
        super().__init__(content_type="application/json")
        self.show(**pods)

    def show(self, **pods):
        self.body = json.dumps([{"targets": [address], "labels": {"pod": name}} for name, address in pods.items()])
