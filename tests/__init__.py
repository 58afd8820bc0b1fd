"""The tests; their files are on a disk, where a journal may be, also where /tmp is in memory."""

import os
import tempfile
from pathlib import Path

from loyalty_cli.debits.journal.file_location import IN_MEMORY, file_system

DISK = "/var/tmp"

if file_system(Path(tempfile.gettempdir())) in IN_MEMORY:
    os.environ["TMPDIR"] = DISK
    tempfile.tempdir = DISK
