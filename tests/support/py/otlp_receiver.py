"""A small receiver of OTLP metrics over HTTP, and what it has been sent."""

import http.server
import json
import threading


class OtlpReceiver:
    """`answers`: status and body of each push in turn, the last one from then on; None is silence."""

    def __init__(self, answers=((200, b"{}"),)):
        self.pushes, self.paths, self.headers = [], [], []
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._leave = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.take(self.path, dict(self.headers), json.loads(body))
                if answer is None:
                    receiver.wait_until_left()
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._leave.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_until_left(self):
        self._leave.wait()

    def take(self, path, headers, body):
        with self._lock:
            self.paths.append(path)
            self.headers.append(headers)
            self.pushes.append(body)
            return self._answers[min(len(self.pushes), len(self._answers)) - 1]

    def metrics(self, push=-1):
        """{name: metric} of one push."""
        (resource,) = self.pushes[push]["resourceMetrics"]
        (scope,) = resource["scopeMetrics"]
        return {metric["name"]: metric for metric in scope["metrics"]}

    def resource(self, push=-1):
        return labels_of(self.pushes[push]["resourceMetrics"][0]["resource"])


def labels_of(point):
    return {pair["key"]: pair["value"]["stringValue"] for pair in point["attributes"]}
