"""A tracking server on loopback with as much of MLflow's protocol as the project uses, that misbehaves when told to."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Misbehaviour = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Keeps one experiment in memory.

    Attributes:
        misbehaviour: what it does instead of answering; None to answer.
        patience: number of requests that it still answers before it misbehaves.
        refuses_artifacts: whether it answers uploads with 403.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.misbehaviour: Misbehaviour | None = None
        self.patience = 0
        self.refuses_artifacts = False
        self.requests = 0
        self.closing = threading.Event()
        self.experiments: list[str] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.artifacts: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The runs without the parents."""
        return [run for run in self.runs.values() if run["tags"]["kind"] != "experiment"]

    def respond(self, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Answer of one method of the protocol; None for something that does not exist."""
        if name == "experiments/search":
            return {"experiments": []}
        if name == "experiments/create":
            self.experiments.append(body["name"])
            return {"experiment_id": "1"}
        if name == "experiments/get-by-name":
            return {"experiment": {"experiment_id": "1", "name": self.experiments[0]}} if self.experiments else None
        if name == "runs/search":
            return {"runs": [self._shown(run) for run in self.runs.values() if _matches(run, body["filter"])]}
        if name == "runs/create":
            run = uuid.uuid4().hex
            tags = {tag["key"]: tag["value"] for tag in body.get("tags", [])}
            self.runs[run] = {"id": run, "status": "RUNNING", "tags": tags, "metrics": [], "params": {}}
            return {"run": self._shown(self.runs[run])}
        run = self.runs[body["run_id"]]
        if name == "runs/log-batch":
            run["metrics"] += [m for m in body.get("metrics", []) if m not in run["metrics"]]
            run["params"] |= {param["key"]: param["value"] for param in body.get("params", [])}
        elif name == "runs/set-tag":
            run["tags"][body["key"]] = body["value"]
        elif name == "runs/delete-tag":
            del run["tags"][body["key"]]
        elif name == "runs/update":
            run["status"] = body.get("status", run["status"])
            return {"run_info": self._shown(run)["info"]}
        elif name == "runs/get":
            return {"run": self._shown(run)}
        elif name == "metrics/get-history":
            return {"metrics": [m for m in run["metrics"] if m["key"] == body["metric_key"]]}
        return {}

    def _shown(self, run: dict[str, Any]) -> dict[str, Any]:
        info = {
            "run_id": run["id"],
            "run_uuid": run["id"],
            "experiment_id": "1",
            "status": run["status"],
            "lifecycle_stage": "active",
            "artifact_uri": f"mlflow-artifacts:/1/{run['id']}/artifacts",
        }
        latest = {metric["key"]: metric for metric in run["metrics"]}
        tags = [{"key": key, "value": value} for key, value in run["tags"].items()]
        return {"info": info, "data": {"metrics": list(latest.values()), "tags": tags}}


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        self._answer(json.loads(self._body() or b"{}"))

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        content = self._body()
        if self._misbehaves():
            return
        if self.server.refuses_artifacts:
            self.send(403, b"no")
            return
        self.server.artifacts[self.path.rsplit("/", 1)[1]] = content
        self.send(200, b"{}")

    def send(self, code: int, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, body: dict[str, Any]) -> None:
        if self._misbehaves():
            return
        name = urlsplit(self.path).path.split("/mlflow/", 1)[1]
        answer = self.server.respond(name, body)
        if answer is None:
            self.send(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}).encode())
        else:
            self.send(200, json.dumps(answer).encode())

    def _misbehaves(self) -> bool:
        server = self.server
        server.requests += 1
        server.patience -= 1
        if server.misbehaviour is None or server.patience >= 0:
            return False
        self.close_connection = True
        server.misbehaviour(self)
        return True


def hang(handler: Handler) -> None:
    handler.server.closing.wait(60)


def drip(handler: Handler) -> None:
    """Send headers, one byte at a time, for ever; no limit on one read ends this."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.closing.wait(0.05):
        try:
            handler.wfile.write(b".")
        except OSError:
            return


def fail(handler: Handler) -> None:
    handler.send(500, b'{"error_code": "INTERNAL_ERROR", "message": "broken"}')


def close_in_the_middle(handler: Handler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"exp')
    handler.wfile.flush()
    handler.connection.close()


def answer_nonsense(handler: Handler) -> None:
    handler.send(200, b"<html>Welcome to the hotel's network</html>")


MISBEHAVIOURS = (hang, drip, fail, close_in_the_middle, answer_nonsense)


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs during the body."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
        # Handlers that were hanging see the event.
        time.sleep(0.06)


def _matches(run: dict[str, Any], conditions: str) -> bool:
    for name, value in re.findall(r"([\w.]+|tags\.`[^`]+`) = ['\"]([^'\"]*)['\"]", conditions):
        found = run["status"] if name == "attributes.status" else run["tags"].get(name[6:-1])
        if found != value:
            return False
    return True
