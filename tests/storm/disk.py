"""A small file system of its own for the ledger of SQLite and the embedded queue, which can be filled up."""

import os
import subprocess

SIZE_MIB = 1024
# Asked for in pieces of this size, then smaller: no byte may be left.
PIECE_BYTES = 1 << 20


class Disk:
    """A tmpfs where this is root; else a plain folder, which cannot be filled."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        options = f"size={SIZE_MIB}m,mode=0755"
        mount = ["mount", "-t", "tmpfs", "-o", options, "daybridge-storm", folder]
        self.mounted = os.geteuid() == 0 and subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0
        self.ballast = folder / "ballast"

    def fill(self):
        with open(self.ballast, "ab") as file:
            piece = PIECE_BYTES
            while piece:
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), piece)
                    file.seek(0, os.SEEK_END)
                except OSError:
                    piece //= 2

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=False)
            self.mounted = False
