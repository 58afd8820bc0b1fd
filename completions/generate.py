"""Write the completion scripts beside this file: Typer's own, mended where a shell needs it."""

from collections.abc import Mapping
from pathlib import Path

from typer._completion_shared import get_completion_script

HERE = Path(__file__).parent
SHELLS = {
    "loyalty.bash": "bash",
    "_loyalty": "zsh",
    "loyalty.fish": "fish",
    "loyalty.ps1": "powershell",
}

# A query option is offered as `currency=`, and what comes next is its value, not a space.
BASH_END = "    return 0\n"
BASH_NO_SPACE = "    if [[ ${COMPREPLY-} == *= ]]; then compopt -o nospace; fi\n"
ZSH_EVAL = "  eval $("
ZSH_NO_SPACE = """\
  if [[ ${words[CURRENT-1]} == (-O|--option) ]]; then
    compadd() { builtin compadd -S '' "$@" }
  fi
  {
"""
ZSH_AFTERWARDS = """\
  } always {
    unfunction compadd 2>/dev/null
  }
  return 0
}
"""
# zsh loads the file when TAB is first pressed, as the function that is to answer it.
ZSH_FIRST_TAB = '\nif [[ ${funcstack[1]} == _loyalty ]]; then _loyalty_completion "$@"; fi'


def scripts() -> Mapping[str, str]:
    """Every script, under its file's name."""
    return {name: _script(shell) for name, shell in SHELLS.items()}


def _script(shell: str) -> str:
    script = get_completion_script(
        prog_name="loyalty", complete_var="_LOYALTY_COMPLETE", shell=shell
    )
    if shell == "bash":
        script = _replaced(script, BASH_END, BASH_NO_SPACE + BASH_END)
    if shell == "zsh":
        script = _replaced(script, ZSH_EVAL, f"{ZSH_NO_SPACE}  {ZSH_EVAL}")
        script = _replaced(script, "}\n\n", f"{ZSH_AFTERWARDS}\n") + ZSH_FIRST_TAB
    return script + "\n"


def _replaced(script: str, old: str, new: str) -> str:
    if script.count(old) != 1:
        raise ValueError(f"Typer's script is no longer the one that was mended: {old!r}")
    return script.replace(old, new)


if __name__ == "__main__":
    for name, script in scripts().items():
        (HERE / name).write_text(script, encoding="utf-8", newline="\n")
