"""How much the proxy does at a time: every bound of its own, in one place.

Past one of them clients wait or the oldest goes, never more: which, each says.
"""

from typing import Final

CONNECTIONS: Final = 100_000
"""TCP connections relayed at a time, of two descriptors each; past it clients wait in the
listeners' backlogs. So do they when the process' descriptors give out, of which `SHARE` are for
connections."""
FLOWS: Final = 16_000
"""UDP flows at a time, of one descriptor each; past it the one goes whose client was silent
longest."""
SHARE: Final = 4
"""Of how many descriptors one may become a connection, which takes two; of twice as many one may
become a UDP flow. The rest of the daemon keeps what is left."""
PIPES: Final = 96
"""Pipes at a time for bulk data; past it, it is copied. Together they stay under an unprivileged
user's 64 MiB (fs.pipe-user-pages-soft)."""
IDLE_PIPES: Final = 16
"""Empty pipes kept for the next connection (two descriptors each)."""
STICKY_CLIENTS: Final = 16_384
"""Clients remembered per Service port; past it those forget first that came longest ago."""
TALLIES: Final = 256
"""Endpoints counted apart per Service port; those that went longest ago are forgotten."""
LISTENERS_AT_ONCE: Final = 256
"""Sockets opened or closed in the turn of the loop that changed them; more take further turns."""
STATUS_CLIENTS: Final = 64
"""Clients of health checks and metrics heard at a time; then the slowest is cut off."""
