pytest_plugins = ["netemu.testing.plugin"]
