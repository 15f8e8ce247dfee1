"""hello-node: answers a greeting over HTTP on port 8080."""

from netemu.programs import place, web


def main(argv: list[str]) -> int:
    """Serve."""
    name = place.hostname()
    return web.serve(lambda _: web.text(f"Hello World! I am {name}\n"), 8080).run()
