"""Servers on this machine that publish a file by HTTP or FTP, well or badly, and archives to publish."""

import contextlib
import gzip
import http.server
import io
import socket
import socketserver
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.base.yaml_text import to_yaml


@dataclass
class Publisher:
    """What is served, how, and what was asked for."""

    content: bytes
    port: int = 0
    ranges: bool = True
    tells_length: bool = True
    """Whether it says how long the file is when there is nothing left to send, as RFC 9110 recommends."""
    cut: int | None = None
    """Bytes of a body after which the connection is closed."""
    hang: bool = False
    """Whether it sends nothing after the head."""
    status: int = 200
    redirection: str | None = None
    """Address that is named instead of the content."""
    stated: int | None = None
    """Length that it states instead of the true one."""
    endless: bool = False
    """Whether it states no length and repeats the content until the connection is closed."""
    served: list[int] = field(default_factory=list)
    """Bytes of each answer."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def body(self, start: int) -> bytes:
        found = self.content[start:] if self.cut is None else self.content[start : start + self.cut]
        self.served.append(len(found))
        return found


@contextmanager
def http_publisher(content: bytes):
    """A server of one file at every path; yields the publisher, whose behaviour may be changed, and the address."""
    publisher = Publisher(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            start = start if publisher.ranges else 0
            if publisher.redirection is not None:
                self.send_response(302)
                self.send_header("Location", publisher.redirection)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if publisher.endless:
                self.send_response(200)
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not publisher.stopped.is_set():
                        self.wfile.write(publisher.content)
                return
            if publisher.status != 200 or start >= max(1, len(publisher.content)):
                self.send_response(416 if publisher.status == 200 else publisher.status)
                if publisher.status == 200 and publisher.tells_length:
                    self.send_header("Content-Range", f"bytes */{len(publisher.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            length = len(publisher.content) - start if publisher.stated is None else publisher.stated
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if publisher.hang:
                publisher.stopped.wait(30)
            else:
                self.wfile.write(publisher.body(start))

        def log_message(self, *arguments):
            pass

    with _running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), publisher):
        yield publisher, f"http://127.0.0.1:{publisher.port}/data"


@contextmanager
def ftp_publisher(content: bytes):
    """The same by FTP."""
    publisher = Publisher(content)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                self.converse(listener)

        def converse(self, listener):
            start = 0
            self.answer("220 ready")
            for line in self.rfile:
                command, _, argument = line.decode().strip().partition(" ")
                if command == "EPSV":
                    self.answer(f"229 here (|||{listener.getsockname()[1]}|)")
                elif command == "REST" and not publisher.ranges:
                    self.answer("502 not implemented")
                elif command == "REST":
                    start = int(argument)
                    self.answer("350 from there")
                elif command == "RETR":
                    with listener.accept()[0] as connection:
                        self.answer("150 coming")
                        connection.sendall(publisher.body(start))
                    self.answer("226 done" if publisher.cut is None else "426 broken")
                else:
                    answers = {"USER": "331 who", "PASS": "230 hello", "PWD": '257 "/"', "CWD": "250 ok"}
                    answers |= {"TYPE": "200 ok", "SIZE": f"213 {len(publisher.content)}", "QUIT": "221 bye"}
                    self.answer(answers.get(command, "500 what"))

        def answer(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    with _running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), publisher):
        yield publisher, f"ftp://127.0.0.1:{publisher.port}/data"


@contextmanager
def _running(server, publisher):
    server.daemon_threads = True
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        publisher.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def tar_gz(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """A tar.gz archive with `files`, then `others` without content; equal files give equal bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in others:
            archive.addfile(info)
    return gzip.compress(stream.getvalue(), mtime=0)


def zipped(files: dict[str, bytes], *others: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """A zip archive with `files`, then `others`; equal files give equal bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        for info, content in others:
            archive.writestr(info, content)
    return stream.getvalue()


def pins_text(url: str, folder: str, size: int | None = None, sha256: str | None = None, weights: dict | None = None):
    """A downloads.yaml with one release, `toy`, under a comment."""
    release = {"title": "Toy release", "url": url, "page": "http://nowhere.invalid/toy", "folder": folder}
    release |= {"licence": "none", "approximate_gigabytes": {"archive": 0.001, "unpacked": 0.002}}
    release |= {"bytes": size, "sha256": sha256}
    content = {"releases": {"toy": release}, "weights": weights or {}}
    return f"# A comment that stays.\n{to_yaml(content)}"
