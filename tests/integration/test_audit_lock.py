"""Asking whether a locked version is known to be vulnerable, of a service on this machine that speaks OSV."""

import json
import subprocess
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.servers.brokers import free_port
from tests.waiting import LONGEST

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit_lock.py"
LOCK = f"""
amqp==5.4.2 --hash=sha256:{"0" * 64}
kombu==1.0.0 --hash=sha256:{"1" * 64}
"""
KNOWN = {
    "id": "TEST-2000-1",
    "summary": "unpickles what it is sent",
    "modified": "2000-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "kombu", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0"}]}],
        }
    ],
}


class Service(BaseHTTPRequestHandler):
    """Knows of one vulnerable version of one package."""

    def do_POST(self) -> None:
        """Answer one question."""
        asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        bad = (asked["package"]["name"], asked["version"]) == ("kombu", "1.0.0")
        answer = json.dumps({"vulns": [KNOWN]} if bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Generator[str]:
    """The address of such a service."""
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def audit(tmp_path: Path, lock: str, service: str) -> tuple[int, str]:
    """How asking about a lock ended, and what it said."""
    file = tmp_path / "requirements.lock"
    file.write_text(lock)
    command = [sys.executable, str(SCRIPT), "--lock", str(file), "--service", service]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_vulnerable_version_is_a_failure(tmp_path: Path, service: str) -> None:
    """With its name, what is known of it, and where it is mended."""
    code, said = audit(tmp_path, LOCK, service)
    assert 1 == code
    assert "kombu 1.0.0: TEST-2000-1, fixed in 3.0\n" in said
    assert "2 packages, 1 known vulnerabilities, 0 not asked about\n" in said


def test_versions_without_a_known_fault_pass(tmp_path: Path, service: str) -> None:
    """With how many were asked about."""
    code, said = audit(tmp_path, LOCK.replace("kombu==1.0.0", "kombu==3.0.0"), service)
    assert (0, "2 packages, 0 known vulnerabilities, 0 not asked about\n") == (code, said)


def test_without_a_service_it_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """It is no failure of the lock."""
    code, said = audit(tmp_path, LOCK, f"http://127.0.0.1:{free_port()}/")
    assert 0 == code
    assert said.startswith("skipped: the service does not answer (requests.exceptions.ConnectionError:")


def test_a_lock_without_hashes_is_a_failure(tmp_path: Path, service: str) -> None:
    """Whatever keeps it from being asked about, other than the service, is not passed over."""
    assert 1 == audit(tmp_path, "kombu\n", service)[0]
