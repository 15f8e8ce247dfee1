"""Ten thousand Services with fifty thousand endpoints, in the whole daemon."""

import json
import os
import sqlite3
from contextlib import closing

import pytest

from bench import many
from netemu.testing import Instance, instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DESCRIPTORS = 1_000
MEGABYTES = 400


def versions(cluster: Instance) -> dict[str, int]:
    """By name, which revision wrote each stored slice."""
    with closing(sqlite3.connect(cluster.state_dir / cluster.name / "store.db")) as database:
        rows = database.execute("SELECT name, revision FROM objects WHERE resource LIKE '%slices%'")
        return dict(rows.fetchall())


def test_a_daemon_started_on_ten_thousand_services_serves_them_with_few_means() -> None:
    with instance("scale", options=["--net", "rootless"]) as cluster:
        cluster.netemu("down")
        many.populate(cluster)
        before = versions(cluster)
        cluster.up()
        status = json.loads(cluster.netemu("status", "-o", "json").stdout)
        [*_, slowest] = sorted(many.changes(cluster.state_dir / cluster.name / "kubeconfig"))
        after = versions(cluster)
        answer = cluster.netemu(
            "exec", "--", "curl", "-s", "-m", "20", "http://127.0.0.1:10256/healthz"
        )
        descriptors = len(os.listdir(f"/proc/{status['pid']}/fd"))
        assert descriptors <= DESCRIPTORS
        assert many.megabytes(status["pid"]) <= MEGABYTES
    assert slowest < 5.0  # a guard against work in proportion to all there is, not a measurement
    assert len(before) > many.SERVICES
    patched = [name for name in before if before[name] != after[name]]
    assert len(patched) == many.CHANGES + many.WARM  # no controller wrote to any
    assert json.loads(answer.stdout)["nodeEligible"]
