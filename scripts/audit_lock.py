#!/usr/bin/env python
"""Ask a service that speaks OSV whether a version in requirements.lock is known to be vulnerable.

    .venv/bin/python scripts/audit_lock.py [--lock FILE] [--service URL]

Exit code 1 if one is, or if this program could not ask; 0 if none is, or if the service does not answer, which it
says.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
_OPTIONS = ("--vulnerability-service", "osv", "--disable-pip", "--progress-spinner", "off", "--format", "json")
_SECONDS = "15"
# What its client raises where nothing answers; the last line of its traceback says why.
_AWAY = re.compile(r"^requests\.exceptions\.(?:ConnectionError|\w*Timeout|ProxyError|SSLError): .*\Z", re.MULTILINE)


def main() -> int:
    """Ask, and say what was answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, default=LOCK, help="the file with the versions")
    parser.add_argument("--service", metavar="URL", help="the service's address, if not OSV's own")
    options = parser.parse_args()
    service = ["--osv-url", options.service] if options.service else []
    command = [sys.executable, "-m", "pip_audit", *_OPTIONS, "--timeout", _SECONDS, *service, "-r", str(options.lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if away := _AWAY.search(done.stderr.rstrip()):
        sys.stdout.write(f"skipped: the service does not answer ({away[0]:.300})\n")
        return 0
    return _report(done)


def _report(done: "subprocess.CompletedProcess[str]") -> int:
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        sys.stderr.write(done.stderr)
        return 1
    bad = [(each["name"], each["version"], vuln) for each in found for vuln in each.get("vulns", ())]
    for name, version, vuln in bad:
        fixed = ", ".join(vuln["fix_versions"]) or "no version yet"
        sys.stdout.write(f"{name} {version}: {vuln['id']}, fixed in {fixed}\n")
    skipped = [each["name"] for each in found if "skip_reason" in each]
    sys.stdout.write(f"{len(found)} packages, {len(bad)} known vulnerabilities, {len(skipped)} not asked about\n")
    return 1 if bad or skipped or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
