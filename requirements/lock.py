"""Write dev.txt and httpie.txt: every dependency pinned, with the hashes of all its files."""

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
    """Compile both locks; uv itself is installed only for this, outside the lock."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    for arguments, output in [
        (["--group", "dev", "pyproject.toml"], "dev.txt"),
        (["requirements/httpie.in"], "httpie.txt"),
    ]:
        command = [*COMPILE, *arguments, "-o", f"requirements/{output}"]
        subprocess.run(command, check=True, cwd=HERE.parent)


if __name__ == "__main__":
    main()
