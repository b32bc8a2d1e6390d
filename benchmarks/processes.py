"""What processes of this machine have computed, as Linux tells of it."""

import os
from pathlib import Path
from typing import NamedTuple


class Computed(NamedTuple):
    """What a process has computed.

    Args:
        name: of its program.
        seconds: its own.
        ended: those of its children that have ended.
    """

    name: str
    seconds: float
    ended: float


def computed(pid: int) -> Computed:
    """What a process has computed so far.

    Raises:
        OSError: it has ended.
    """
    stat = Path(f"/proc/{pid}/stat").read_text()
    name, _, fields = stat.partition("(")[2].rpartition(")")  # it may hold brackets and blanks
    own, system, ended, ended_system = map(int, fields.split()[11:15])
    second = os.sysconf("SC_CLK_TCK")
    return Computed(name, (own + system) / second, (ended + ended_system) / second)
