"""Write the locks: every dependency pinned, with the hashes of all its files."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMPILE = [
    *(sys.executable, "-m", "uv", "pip", "compile", "--universal", "--upgrade"),
    *("--python-version", "3.11", "--generate-hashes"),
    # The files say what is wanted, never where from: that is each machine's own setting.
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet"),
]


def main() -> None:
    """Compile the locks; uv itself is installed only for this, outside of them."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    for arguments, output in [
        (["--group", "dev", "pyproject.toml"], "dev.txt"),
        (["--constraint", "requirements/dev.txt", "pyproject.toml"], "runtime.txt"),
        (["requirements/httpie.in"], "httpie.txt"),
    ]:
        command = [*COMPILE, *arguments, "-o", f"requirements/{output}"]
        subprocess.run(command, check=True, cwd=HERE.parent)


if __name__ == "__main__":
    main()
