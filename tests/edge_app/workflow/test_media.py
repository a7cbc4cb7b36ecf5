"""Sticks as a desktop mounts them: where the kiosk's user may not write, the page says what to type."""

import os
import subprocess
import sys

import pytest
from tests_support import REPOSITORY

from edge_app.workflow.media import mounted

TABLE = """\
proc /proc proc rw,nosuid 0 0
/dev/sda1 /media/pi/MY\\040STICK vfat rw,uid=1000,dmask=0077 0 0
/dev/sdb1 /mnt/backup ext4 rw 0 0
/dev/mmcblk0p2 / ext4 rw 0 0
tmpfs /media/pi/a/b/c tmpfs rw 0 0
"""
AS_NOBODY = """
import os, sys
from edge_app.workflow.media import locked
os.setuid(65534)
print(*locked(sys.stdin.read()), sep="\\n")
"""


def test_removable_media_are_found_in_the_table_of_mounts_with_blanks_in_their_names():
    found = [(str(path), device, kind) for path, device, kind in mounted(TABLE)]
    assert found == [("/media/pi/MY STICK", "/dev/sda1", "vfat"), ("/mnt/backup", "/dev/sdb1", "ext4")]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("kind", "end"),
    [("vfat", "mount -o uid=65534 /dev/sdz1 /mnt/stick"), ("ext4", "/mnt/stick && sudo chown 65534 /mnt/stick")],
)
def test_a_stick_that_the_kiosk_cannot_write_to_comes_with_the_commands_that_open_it(kind, end):
    """The folder need not exist: to a user who may not look into /media/pi, no folder there does."""
    table = f"/dev/sdz1 /media/pi/STICK {kind} rw 0 0\n"
    command = [sys.executable, "-c", AS_NOBODY]
    said = subprocess.run(command, input=table, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    path, commands = said.splitlines()
    assert path == "/media/pi/STICK"
    assert commands.startswith("sudo umount /media/pi/STICK && sudo mkdir -p /mnt/stick && sudo mount ")
    assert commands.endswith(end)
