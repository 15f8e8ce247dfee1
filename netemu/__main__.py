"""``python -m netemu`` is the ``netemu`` command."""

from netemu.cli import main

if __name__ == "__main__":
    main(prog_name="netemu")
