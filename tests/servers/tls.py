"""A Redis server that only speaks TLS, with certificates made for it; the Valkey of the product knows none."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import trustme

from tests.servers.brokers import RedisServer

HOST = "127.0.0.1"


class TlsServer(RedisServer):
    """A `redis-server` on a loopback port; ``ca`` signed its certificate, and ``other_ca`` signed none.

    ``client_certificates``: it asks for the client's too, and trusts the one at ``certificate`` and ``key``.
    """

    def __init__(self, binary: str, home: Path, *, client_certificates: bool = False) -> None:
        self.ca, self.other_ca, self.certificate, self.key = (
            home / f"{name}.pem" for name in ("ca", "other", "c", "k")
        )
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        authority.cert_pem.write_to_path(str(self.ca))
        trustme.CA().cert_pem.write_to_path(str(self.other_ca))
        issued.private_key_pem.write_to_path(str(self.key))
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))
        self._client_certificates = client_certificates
        super().__init__(binary, home)

    def options(self, port: int) -> Sequence[str]:
        """TLS, and nothing else."""
        files = {"cert": self.certificate, "key": self.key, "ca-cert": self.ca}
        written = [word for name, path in files.items() for word in (f"--tls-{name}-file", str(path))]
        asks = "yes" if self._client_certificates else "no"
        return ("--port", "0", "--tls-port", str(port), "--tls-auth-clients", asks, *written)

    def address(self, port: int) -> str:
        """With the authority to trust, and what to show the server if it asks."""
        shown = f"&ssl_certfile={self.certificate}&ssl_keyfile={self.key}" if self._client_certificates else ""
        return f"rediss://{HOST}:{port}/0?ssl_ca_certs={self.ca}{shown}"


def redis_binary() -> str | None:
    """The program on the PATH."""
    return shutil.which("redis-server")
