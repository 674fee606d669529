"""A server with files in memory and, request by request, the faults a test asks for."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ETAG = '"v1"'
PAGE = b"<!DOCTYPE html><html><head><title>Please sign in</title></head><body>no</body></html>"


@dataclass
class Fault:
    """What goes wrong with one request.

    status, body, headers : an answer of its own
    cut : bytes after which the line breaks, though the full length was announced
    drip_s : pause after every byte
    no_length : the body is sent without its length
    """

    status: int | None = None
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    drip_s: float = 0.0
    no_length: bool = False


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict


class FaultyServer:
    """Serves `files`; `faults[path]` are used up in order, `always[path]` is never used up."""

    def __init__(self):
        self.files, self.etags, self.seen = {}, {}, []
        self.faults, self.always = defaultdict(list), {}
        self.errors = []
        self.ranges, self.hold_s = True, 0.0
        self.now, self.most_at_once = 0, 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def put(self, path, body):
        self.files[path] = body
        return self.url + path

    def gets(self, path=None):
        return [s for s in self.seen if s.method == "GET" and path in (None, s.path.split("?")[0])]

    def answer(self, request):
        with self.lock:
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
            path = request.path.split("?")[0]
            self.seen.append(Seen(request.command, request.path, dict(request.headers)))
            waiting = self.faults[path]
            fault = waiting.pop(0) if waiting else self.always.get(path, Fault())
        try:
            time.sleep(self.hold_s)
            self.send(request, path, fault)
        except (BrokenPipeError, ConnectionResetError):
            request.close_connection = True
        except Exception as error:  # told at the end of the test: the client sees a broken line
            self.errors.append(error)
            raise
        finally:
            with self.lock:
                self.now -= 1

    def send(self, request, path, fault):
        if fault.status is not None:
            status, headers, body = fault.status, dict(fault.headers), fault.body
        elif path not in self.files:
            status, headers, body = 404, {"Content-Type": "text/html"}, PAGE
        else:
            status, headers, body = self.file(request, path)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if fault.no_length:
            request.send_header("Connection", "close")
            request.close_connection = True
        else:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "HEAD":
            return
        cut = len(body) if fault.cut is None else fault.cut
        if fault.drip_s:
            for at in range(cut):
                request.wfile.write(body[at : at + 1])
                time.sleep(fault.drip_s)
        else:
            request.wfile.write(body[:cut])
        if cut < len(body):
            request.wfile.flush()
            request.close_connection = True

    def file(self, request, path):
        return self.part(request, self.files[path], self.etags.get(path, ETAG))

    def part(self, request, body, etag):
        """A body, or what `Range` asks of it."""
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        wanted = request.headers.get("Range")
        same = request.headers.get("If-Range", etag) == etag
        if not (wanted and same and self.ranges):
            return 200, headers, body
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(body) - 1), len(body) - 1)
        if start >= len(body):
            return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return 206, headers, body[start : end + 1]
