"""``hosts``: static names from a file and from lines of the Corefile."""

from netemu.dns.chain import Hosts
from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import duration, fallthrough, flag, one_number, options, words, zones
from netemu.dns.statichosts import table

FILE = "/etc/hosts"
LONGEST_TTL = 65535
OPTIONS = {
    "ttl": one_number(0, LONGEST_TTL),
    "no_reverse": flag,
    "reload": lambda option: duration(option, words(option, 1, 1)[0]),
    "fallthrough": fallthrough,
    "fallthrough_unsupported": flag,
}


def read_hosts(line: Line, draft: Draft) -> None:
    """``hosts [FILE [ZONE…]]``; lines that begin with an address are entries."""
    inline = [entry for entry in line.block if entry.name not in OPTIONS]
    for entry in inline:
        if not (":" in entry.name or entry.name[0].isdigit()):
            raise BadCorefile(
                entry.number,
                f'hosts: unknown option "{entry.name}" (there are {", ".join(OPTIONS)})',
            )
    chosen = tuple(entry for entry in line.block if entry.name in OPTIONS)
    given = options(Line(line.number, line.name, line.words, chosen), OPTIONS)
    file, *where = line.words or ("",)
    written = _file(line, file or FILE, draft)
    lines = [*written, *(" ".join((entry.name, *entry.words)) for entry in inline)]
    addresses, names = table(lines, reverse="no_reverse" not in given)
    draft.hosts = Hosts(
        addresses=addresses,
        names=names,
        zones=zones(line, where, draft.zones),
        ttl=given.get("ttl", [3600])[-1],
        passed=given.get("fallthrough", [()])[-1],
        passes_types="fallthrough_unsupported" in given,
    )
    if draft.hosts.passes_types and not draft.hosts.passed:
        raise BadCorefile(line.number, "hosts: fallthrough_unsupported requires fallthrough")


def _file(line: Line, path: str, draft: Draft) -> list[str]:
    draft.files.append(path)
    try:
        return draft.world.read(path).splitlines()
    except OSError as error:
        draft.remark(line, f"cannot read {path}: {error.strerror}")
        return []
