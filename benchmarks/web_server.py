"""A web server with fixed answers, quick enough not to be what is measured: nginx."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BALANCE = '{"customer_id": "$customer", "reward_balance": 120000, "reward_symbol": "points"}'
"""The body of a balance; $customer stands for the one asked for, as nginx has it."""

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    map $uri $customer {{ ~^/v2/customers/(?<named>[^/]+)/ $named; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
{locations}
    }}
}}
"""


LOCATION = "        location {path} {{ default_type application/json; return 200 '{body}'; }}"


@contextmanager
def web_server(bodies: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve fixed answers, each below its path, and give the address; exit without nginx."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise SystemExit("nginx is missing; install it first (Debian: apt install nginx-light)")
    with TemporaryDirectory() as folder:
        port = _free_port()
        configuration = Path(folder) / "nginx.conf"
        locations = "\n".join(
            LOCATION.format(path=path, body=body)
            for path, body in (bodies or {"/": BALANCE}).items()
        )
        configuration.write_text(
            CONFIGURATION.format(folder=folder, port=port, locations=locations)
        )
        process = subprocess.Popen([nginx, "-p", folder, "-e", "stderr", "-c", str(configuration)])
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise SystemExit("nginx did not start")
