"""Backups, copies and restores of a journal's file, in the middle of debits and after them.

A backup must have every debit that was sent before it was begun, and a copy of the file alone, too,
or be refused. What is restored lacks nothing, or no debit is made before a person has looked.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import OPEN, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter
from tests.proofs.killing import KILLED
from tests.proofs.programs import Run
from tests.proofs.story import Keeping

if TYPE_CHECKING:
    from tests.proofs.trial import Trial

LOG, INDEX = "-wal", "-shm"
REFUSED = 3
GARBAGE = b"not a journal any more" * 99


def debits_in(content: bytes) -> frozenset[str] | None:
    """The debits that a file alone says were sent, or may have been; None where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "journal.db"
        place.touch(mode=0o600)
        place.write_bytes(content)
        try:
            with closing(open_journal(str(place))) as journal:
                entries = list(journal.find(Filter()))
        except JournalError:
            return None
    return frozenset(each.key.reference for each in entries if each.attempt)


class Backups:
    """Who keeps the journal's file of one trial."""

    def __init__(self, trial: "Trial") -> None:
        self._trial = trial
        self._files: list[Path] = []
        self._chance = random.Random(f"{trial.seed} backups")
        self._forgotten: Counter[str] = Counter()

    def meanwhile(self) -> Sequence[Callable[[Event], None]]:
        """What is done beside the debits, until the event."""
        if self._trial.story.keeping in (Keeping.MEANWHILE, Keeping.OLDER):
            return (self._keep_on,)
        return ()

    def interlude(self) -> None:
        """What is done when all have ended, before the debits are run again."""
        match self._trial.story.keeping:
            case Keeping.MEANWHILE if self._files:
                self._restore(self._files[-1], "a backup")
            case Keeping.OLDER if self._files:
                self._restore_older(self._chance.choice(self._files))
            case Keeping.LOG_LOST:
                self._lose_the_log()
            case _:
                pass

    def afterwards(self) -> None:
        """What is done when all the debits are settled."""
        if self._trial.story.keeping is Keeping.LAST:
            self._restore_the_last()

    @property
    def _journal(self) -> Path:
        return Path(self._trial.shop.journal)

    def _keep_on(self, stop: Event) -> None:
        while not stop.wait(self._chance.uniform(0, 0.2)):
            match self._chance.choice(("copy", "copy", "backup", "backup", "restore")):
                case "copy":
                    self._copy()
                case "backup":
                    self._back_up()
                case "restore" if self._files and self._trial.story.keeping is Keeping.MEANWHILE:
                    self._restore(self._files[-1], "in the middle a backup")

    def _posts(self) -> Counter[str]:
        """How often each debit was sent since an older backup was restored, if one was."""
        truth, rows = self._trial.truth, self._trial.story.rows()
        posts = Counter({row.reference: truth.posts(row.customer, row.amount) for row in rows})
        return posts - self._forgotten

    def _sent(self) -> set[str]:
        return set(self._posts())

    def _copy(self) -> None:
        sent = self._sent()
        known = debits_in(self._journal.read_bytes())
        self._trial.count(f"copies of the file alone {'refused' if known is None else 'whole'}")
        if known is not None and sent - known:
            self._trial.violate(f"a copy of the file alone lacks {sent - known}")

    def _back_up(self) -> None:
        sent = self._sent()
        file = self._trial.folder / f"backup-{len(self._files)}-{self._chance.random()}.db"
        command = ("journal", "backup", str(file))
        if self._chance.random() < 0.2:
            run = self._trial.killer.spoil(
                self._chance, self._trial.truth, self._trial.shop, *command
            )
            self._trial.expect(run, {0, *KILLED})
        else:
            run = self._run(*command)
            self._trial.expect(run, {0})
        if not file.exists() or not file.stat().st_size:  # the name is reserved, and no more
            self._trial.count("backups killed")
            if file.exists() and run.code not in KILLED:
                self._trial.violate("a backup that was not killed is empty")
            return
        self._trial.count("backups made")
        self._files.append(file)
        known = debits_in(file.read_bytes())
        if known is None or sent - known:
            self._trial.violate(f"a backup lacks {sent - (known or set())}")

    def _restore(self, file: Path, what: str) -> bool:
        """Restore it where that loses nothing, and say whether it did."""
        in_the_middle = what != "a backup"
        before = set() if in_the_middle else self._trial.shop.history()
        run = self._run("journal", "restore", str(file))
        self._trial.expect(run, {0, REFUSED})
        done = run.code == 0
        self._trial.count(f"restores of {what} {'accepted' if done else 'refused'}")
        if not in_the_middle and before - self._trial.shop.history():
            self._trial.violate(f"a restore without --older lost {run.err}")
        return done

    def _restore_older(self, file: Path) -> None:
        """The journal is lost, or damaged, or somebody wants the older one all the same."""
        match self._chance.choice(("lost", "damaged", "there")):
            case "lost":
                for suffix in ("", LOG, INDEX):
                    Path(f"{self._journal}{suffix}").unlink(missing_ok=True)
            case "damaged":
                self._journal.write_bytes(GARBAGE)
            case _:
                if self._restore(file, "a backup"):
                    return
        self._trial.expect(self._run("journal", "restore", "--older", str(file)), {0})
        self._trial.count("restores of an older backup")
        self._look_what_is_missing()

    def _lose_the_log(self) -> None:
        log, away = Path(f"{self._journal}{LOG}"), self._trial.folder / "log"
        if not log.exists() or not log.stat().st_size:
            self._trial.count("logs that were brought in, and not lost")
            return
        sent = self._sent()
        log.rename(away)
        Path(f"{self._journal}{INDEX}").unlink(missing_ok=True)
        known = debits_in(self._journal.read_bytes())
        if known is not None:
            self._trial.count("logs lost that held no debit")
            if sent - known:
                self._trial.violate(f"the file without its log lacks {sent - known}")
            return
        self._trial.count("logs lost, and the file refused")
        self._expect_nothing_is_made()
        if self._chance.random() < 0.5:
            away.replace(log)
            return
        copy = self._trial.folder / "bare.db"
        copy.write_bytes(self._journal.read_bytes())
        self._trial.expect(self._run("journal", "restore", str(copy)), {REFUSED})
        self._trial.expect(self._run("journal", "restore", "--older", str(copy)), {0})
        self._look_what_is_missing()

    def _restore_the_last(self) -> None:
        """Nothing is lost by it, and nothing made again, whether or not a person must look."""
        file = self._trial.folder / "last.db"
        before = self._trial.shop.entries()
        self._trial.expect(self._run("journal", "backup", str(file)), {0})
        how = self._chance.choice(("lost", "damaged", "there"))
        if how == "lost":
            self._journal.unlink()
        elif how == "damaged":
            self._journal.write_bytes(GARBAGE)
        self._trial.expect(self._run("journal", "restore", str(file)), {0})
        self._trial.count("restores of the last backup")
        if how != "there":
            self._look_what_is_missing()
        if self._trial.shop.entries() != before:
            self._trial.violate(f"the last backup had {self._trial.shop.entries()}, not {before}")
        posts = self._trial.truth.all_posts()
        for command in self._trial.commands():
            self._trial.expect(self._run(*command), self._trial.codes)
        if self._trial.truth.all_posts() != posts:
            self._trial.violate("debits were sent again after the last backup was restored")

    def _look_what_is_missing(self) -> None:
        """Be the person who takes what was made out of the files, and says that they looked."""
        trial = self._trial
        self._expect_nothing_is_made()
        trial.truth.when_quiet()
        entries = {entry.key.reference: entry for entry in trial.shop.entries()}
        known = {name for name, each in entries.items() if each.state in (*OPEN, State.CONFIRMED)}
        made = {
            row.reference for row in trial.rows() if trial.truth.applied(row.customer, row.amount)
        }
        trial.aside = made - known
        self._forgotten += self._posts()
        trial.count("restores reviewed")
        why = ("--why", "compared with the platform")
        trial.expect(self._run("journal", "restore", "--reviewed", *why), {0})

    def _expect_nothing_is_made(self) -> None:
        """No job makes a debit with a journal that may lack some."""
        posts = self._trial.truth.all_posts()
        for command in self._trial.commands():
            self._trial.expect(self._run(*command), {REFUSED})
        if self._trial.truth.all_posts() != posts:
            self._trial.violate("debits were sent with a journal that may lack some")

    def _run(self, *arguments: str) -> Run:
        return self._trial.shop.finish(*arguments)
