"""Asks a DNS server one question, for the command line's own use; the only user of dnslib."""

import dnslib

SECONDS = 2.0
"""How long the answer may take."""


def addresses(name: str, server: str, port: int) -> list[str]:
    """The A records of a name, as `server` answers. Raises OSError, dnslib's errors as OSError."""
    question = dnslib.DNSRecord.question(name, "A")
    try:
        reply = dnslib.DNSRecord.parse(question.send(server, port, timeout=SECONDS))
    except dnslib.DNSError as error:
        raise OSError(f"{server}:{port} answered what is no DNS: {error}") from error
    return [str(record.rdata) for record in reply.rr if record.rtype == dnslib.QTYPE.A]
