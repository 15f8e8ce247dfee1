from netemu.config.shipped import shipped


def test_what_ships_is_found() -> None:
    for name in ("examples/counter.yaml", "examples/counter-nodeport.yaml", "config/images.yaml"):
        assert shipped(name).is_file(), name
