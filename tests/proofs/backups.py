"""Backups, copies and restores of a journal's file, in the middle of debits and after them.

A backup must have every debit that was sent before it was begun, and a copy of the file alone, too,
or be refused. What is restored lacks nothing, or no debit is made before a person has looked.
"""

import random
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from threading import Event

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import OPEN, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter
from tests.proofs.killing import KILLED, Killer
from tests.proofs.story import Keeping
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


class KeepingTrial(Trial):
    """A trial in which somebody keeps the journal's file, as its story says."""

    def __init__(self, killer: Killer, folder: Path, journal: str, seed: str) -> None:
        super().__init__(killer, folder, journal, seed)
        self._files: list[Path] = []
        self._keeper = random.Random(f"{seed} backups")
        self._forgotten: Counter[str] = Counter()

    def keeps_meanwhile(self) -> bool:
        """Whether `keep_on` belongs beside the debits."""
        return self.story.keeping in (Keeping.MEANWHILE, Keeping.OLDER)

    def _interlude(self) -> None:
        match self.story.keeping:
            case Keeping.MEANWHILE if self._files:
                self._restore(self._files[-1], "a backup")
            case Keeping.OLDER if self._files:
                self._restore_older(self._keeper.choice(self._files))
            case Keeping.LOG_LOST:
                self._lose_the_log()
            case _:
                pass

    def _afterwards(self) -> None:
        if self.story.keeping is Keeping.LAST:
            self._restore_the_last()

    @property
    def _journal(self) -> Path:
        return Path(self.installation.journal)

    def keep_on(self, stop: Event) -> None:
        """Copy, back up and restore until the event."""
        while not stop.wait(self._keeper.uniform(0, 0.2)):
            match self._keeper.choice(("copy", "copy", "backup", "backup", "restore")):
                case "copy":
                    self._copy()
                case "backup":
                    self._back_up()
                case "restore" if self._files and self.story.keeping is Keeping.MEANWHILE:
                    self._restore(self._files[-1], "in the middle a backup")

    def _posts(self) -> Counter[str]:
        """How often each debit was sent since an older backup was restored, if one was."""
        truth, rows = self.truth, self.story.rows()
        posts = Counter({row.reference: truth.posts(row.customer, row.amount) for row in rows})
        return posts - self._forgotten

    def _sent(self) -> set[str]:
        return set(self._posts())

    def _copy(self) -> None:
        sent = self._sent()
        known = debits_in(self._journal.read_bytes())
        self.count(f"copies of the file alone {'refused' if known is None else 'whole'}")
        if known is not None and sent - known:
            self.violate(f"a copy of the file alone lacks {sent - known}")

    def _back_up(self) -> None:
        sent = self._sent()
        file = self.folder / f"backup-{len(self._files)}-{self._keeper.random()}.db"
        command = ("journal", "backup", str(file))
        if self._keeper.random() < 0.2:
            run = self.killer.spoil(self._keeper, self.truth, self.installation, *command)
            self.expect(run, {0, *KILLED})
        else:
            run = self.installation.finish(*command)
            self.expect(run, {0})
        if not file.exists() or not file.stat().st_size:  # the name is reserved, and no more
            self.count("backups killed")
            if file.exists() and run.code not in KILLED:
                self.violate("a backup that was not killed is empty")
            return
        self.count("backups made")
        self._files.append(file)
        known = debits_in(file.read_bytes())
        if known is None or sent - known:
            self.violate(f"a backup lacks {sent - (known or set())}")

    def _restore(self, file: Path, what: str) -> bool:
        """Restore it where that loses nothing, and say whether it did."""
        in_the_middle = what != "a backup"
        before = set() if in_the_middle else self.installation.history()
        run = self.installation.finish("journal", "restore", str(file))
        self.expect(run, {0, REFUSED})
        done = run.code == 0
        self.count(f"restores of {what} {'accepted' if done else 'refused'}")
        if not in_the_middle and before - self.installation.history():
            self.violate(f"a restore without --older lost {run.err}")
        return done

    def _restore_older(self, file: Path) -> None:
        """The journal is lost, or damaged, or somebody wants the older one all the same."""
        match self._keeper.choice(("lost", "damaged", "there")):
            case "lost":
                for suffix in ("", LOG, INDEX):
                    Path(f"{self._journal}{suffix}").unlink(missing_ok=True)
            case "damaged":
                self._journal.write_bytes(GARBAGE)
            case _:
                if self._restore(file, "a backup"):
                    return
        self.expect(self.installation.finish("journal", "restore", "--older", str(file)), {0})
        self.count("restores of an older backup")
        self._look_what_is_missing()

    def _lose_the_log(self) -> None:
        log, away = Path(f"{self._journal}{LOG}"), self.folder / "log"
        if not log.exists() or not log.stat().st_size:
            self.count("logs that were brought in, and not lost")
            return
        sent = self._sent()
        log.rename(away)
        Path(f"{self._journal}{INDEX}").unlink(missing_ok=True)
        known = debits_in(self._journal.read_bytes())
        if known is not None:
            self.count("logs lost that held no debit")
            if sent - known:
                self.violate(f"the file without its log lacks {sent - known}")
            return
        self.count("logs lost, and the file refused")
        self._expect_nothing_is_made()
        if self._keeper.random() < 0.5:
            away.replace(log)
            return
        copy = self.folder / "bare.db"
        copy.write_bytes(self._journal.read_bytes())
        self.expect(self.installation.finish("journal", "restore", str(copy)), {REFUSED})
        self.expect(self.installation.finish("journal", "restore", "--older", str(copy)), {0})
        self._look_what_is_missing()

    def _restore_the_last(self) -> None:
        """Nothing is lost by it, and nothing made again, whether or not a person must look."""
        file = self.folder / "last.db"
        before = self.installation.entries()
        self.expect(self.installation.finish("journal", "backup", str(file)), {0})
        how = self._keeper.choice(("lost", "damaged", "there"))
        if how == "lost":
            self._journal.unlink()
        elif how == "damaged":
            self._journal.write_bytes(GARBAGE)
        self.expect(self.installation.finish("journal", "restore", str(file)), {0})
        self.count("restores of the last backup")
        if how != "there":
            self._look_what_is_missing()
        if self.installation.entries() != before:
            self.violate(f"the last backup had {self.installation.entries()}, not {before}")
        posts = self.truth.all_posts()
        for command in self.commands():
            self.expect(self.installation.finish(*command), self.codes)
        if self.truth.all_posts() != posts:
            self.violate("debits were sent again after the last backup was restored")

    def _look_what_is_missing(self) -> None:
        """Be the person who takes what was made out of the files, and says that they looked."""
        self._expect_nothing_is_made()
        self.truth.when_quiet()
        entries = {entry.key.reference: entry for entry in self.installation.entries()}
        known = {name for name, each in entries.items() if each.state in (*OPEN, State.CONFIRMED)}
        made = {
            row.reference for row in self.rows() if self.truth.applied(row.customer, row.amount)
        }
        self.aside = made - known
        self._forgotten += self._posts()
        self.count("restores reviewed")
        why = ("--why", "compared with the platform")
        self.expect(self.installation.finish("journal", "restore", "--reviewed", *why), {0})

    def _expect_nothing_is_made(self) -> None:
        """No job makes a debit with a journal that may lack some."""
        posts = self.truth.all_posts()
        for command in self.commands():
            self.expect(self.installation.finish(*command), {REFUSED})
        if self.truth.all_posts() != posts:
            self.violate("debits were sent with a journal that may lack some")
