"""``agnhost pause``: says so and waits; unlike the pause image it ends with 2 on SIGTERM."""

import signal

EXIT_CODES = {signal.SIGTERM: 2, signal.SIGINT: 1}


def main(argv: list[str]) -> int:
    """Wait."""
    signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_CODES)
    print("Paused", flush=True)
    return EXIT_CODES[signal.Signals(signal.sigwait(EXIT_CODES))]
