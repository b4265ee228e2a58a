"""Where figures come from: the machine, how busy it was, and the versions of what ran."""

import os
import platform
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ostinato.sqlite_driver import sqlite_driver
from tests.servers import postgresql
from worker.processes.embedded import valkey_binary

_PACKAGES = ("celery", "kombu", "redis", "sqlalchemy", "psycopg")
_CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """Cores, processor, memory, the file system of the temporary folder, and the load average of the last minute."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(pages * size / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "files": _output("stat", "-f", "-c", "%T", tempfile.gettempdir()) if platform.system() == "Linux" else "",
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """What ran, by name."""
    servers = [_output(str(valkey_binary()), "--version"), *postgresql.versions()]
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "sqlite": str(sqlite_driver().sqlite_version),
        "servers": "; ".join(servers),
    }


def _cpu() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own
