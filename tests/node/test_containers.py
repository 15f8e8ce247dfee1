"""Starting, failing, restarting: containers with real processes."""

from pathlib import Path

from netemu.model.client import DeleteOptions
from netemu.model.meta import Object
from netemu.model.resources import CONFIG_MAPS, PODS, SERVICES
from tests.support.clock import FakeClock
from tests.support.node import World, container, shell, world

WAITS = "while :; do sleep 0.05; done"


async def restarts(it: World, count: int) -> None:
    await it.until(lambda: it.main().get("restartCount") == count)


async def test_a_crash_is_followed_by_a_restart_then_by_back_off(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        await it.run(shell("exit 7"))
        await it.state("waiting", "CrashLoopBackOff")
        main = it.main()
        assert main["restartCount"] == 1
        assert main["lastState"]["terminated"]["exitCode"] == 7
        assert main["lastState"]["terminated"]["reason"] == "Error"
        words = "back-off 10s restarting failed container=main pod=web_default("
        assert main["state"]["waiting"]["message"].startswith(words)
        said = (await it.told("BackOff"))[0]
        assert said.startswith("Back-off restarting failed container main in pod web_default(")
        assert it.pod()["status"]["phase"] == "Running"
        await clock.advance(10)
        await restarts(it, 2)
        await it.state("waiting", "CrashLoopBackOff")
        assert it.main()["state"]["waiting"]["message"].startswith("back-off 20s ")


async def test_on_failure_a_success_ends_the_pod(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with world(tmp_path / "home") as it:
        script = f"test -e {flag} && exit 0; touch {flag}; exit 1"
        await it.run(shell(script), restartPolicy="OnFailure")
        await it.phase("Succeeded")
        assert it.main()["restartCount"] == 1


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(container(command=["no-such-program"]))
        await it.state("waiting", "CrashLoopBackOff")
        ended = it.main()["lastState"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
        assert ended["message"] == 'exec: "no-such-program": executable file not found in $PATH'
        assert ended["startedAt"] == "1970-01-01T00:00:00Z"
        assert f"Error: {ended['message']}" in await it.told("Failed")


async def test_an_image_nobody_knows_and_its_cure(tmp_path: Path) -> None:
    clock, images = FakeClock(), tmp_path / "images.yaml"
    images.write_text("images: []\n")
    async with world(tmp_path / "home", clock=clock, images=images) as it:
        await it.run(container(image="shop/cart:v1"))
        await it.state("waiting", "ErrImagePull")
        assert it.pod()["status"]["phase"] == "Pending"
        await clock.advance(1)
        await it.state("waiting", "ImagePullBackOff")
        assert await it.told("Pulling") == ['Pulling image "shop/cart:v1"']
        assert await it.told("BackOff") == ['Back-off pulling image "shop/cart:v1"']
        await it.until(lambda: "Error: ImagePullBackOff" in it.events("Failed"))
        failed = it.events("Failed")
        assert "Error: ErrImagePull" in failed
        cure = next(text for text in failed if "images:" in text)
        images.write_text(
            "images:" + cure.partition("images:")[2].replace("/path/to/program", "cat")
        )
        await clock.advance(9.5)
        await it.state("waiting", "CrashLoopBackOff")  # cat has nothing to read


async def test_a_missing_config_map_is_waited_for_and_noticed_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, clock=FakeClock()) as it:
        ref = {"configMapKeyRef": {"name": "app", "key": "color"}}
        env: list[Object] = [{"name": "COLOR", "valueFrom": ref}]
        await it.run(shell("echo $COLOR; exec sleep 60", env=env))
        await it.state("waiting", "CreateContainerConfigError")
        assert it.main()["state"]["waiting"]["message"] == 'configmap "app" not found'
        assert await it.told("Failed") == ['Error: configmap "app" not found']
        config = {"metadata": {"name": "app", "namespace": "default"}, "data": {"color": "blue"}}
        await it.client.create(CONFIG_MAPS, config)
        await it.ready()


async def test_what_a_container_is_told(tmp_path: Path) -> None:
    out = tmp_path / "env"
    async with world(tmp_path / "home") as it:
        service = {
            "metadata": {"name": "redis", "namespace": "default"},
            "spec": {"ports": [{"port": 6379, "protocol": "TCP"}], "clusterIP": "127.98.0.60"},
        }
        await it.client.create(SERVICES, service)
        fields: list[Object] = [
            {"name": "GREETING", "value": "hello $(HOST_IP) $$(X)"},
            {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        ]
        script = f'pwd > {out}.tmp; echo "$0 $1" >> {out}.tmp; env >> {out}.tmp; mv {out}.tmp {out}'
        args = ["$(REDIS_SERVICE_HOST)", "$$(NO)"]
        await it.run(
            shell(script, args=args, env=fields[::-1], workingDir="/usr"), restartPolicy="Never"
        )
        await it.phase("Succeeded")
        cwd, words, *lines = out.read_text().splitlines()
        env = dict(line.split("=", 1) for line in lines)
        assert (cwd, words) == ("/usr", "127.98.0.60 $(NO)")
        assert env["GREETING"] == "hello 127.98.64.11 $(X)"
        assert env["HOSTNAME"] == "web"
        assert env["REDIS_SERVICE_PORT"] == "6379"
        assert env["KUBERNETES_SERVICE_HOST"] == "127.98.0.1"
        assert env["HOST"] == env["POD_IP"] == it.pod()["status"]["podIP"]
        assert env["NETEMU_DNS"] == "127.0.0.1:1053"
        assert env["NETEMU_SEARCH"].split()[0] == "default.svc.cluster.local"
        assert Path(env["HOME"]).is_dir()
        assert env["HOME"].startswith(str(tmp_path))
        assert "PATH" in env


async def test_readiness_follows_its_probe(tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    probe = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1}
    clock = FakeClock()
    async with world(tmp_path / "home", clock=clock) as it:
        await it.run(shell("exec sleep 60", readinessProbe=probe | {"failureThreshold": 1}))
        await it.told("Unhealthy")
        assert it.main()["ready"] is False
        flag.touch()
        await clock.advance(1)
        await it.ready()
        flag.unlink()
        await clock.advance(1)
        await it.ready(False)
        assert it.main()["restartCount"] == 0


async def test_a_failing_liveness_probe_restarts_the_container(tmp_path: Path) -> None:
    flag = tmp_path / "healthy"
    flag.touch()
    probe = {
        "exec": {"command": ["cat", str(flag)]},
        "periodSeconds": 1,
        "failureThreshold": 2,
        "timeoutSeconds": 3600,
    }
    clock = FakeClock()
    async with world(tmp_path / "home", clock=clock) as it:
        await it.run(shell("exec sleep 60", livenessProbe=probe))
        await it.ready()
        await it.until(lambda: it.runtime.ended() == 1)  # the first attempt
        flag.unlink()
        await it.until(lambda: it.events("Killing"), clock)
        assert it.events("Unhealthy")[0].startswith("Liveness probe failed: cat: ")
        words = "Container main failed liveness probe, will be restarted"
        assert it.events("Killing") == [words]
        flag.touch()
        await restarts(it, 1)
        assert it.main()["lastState"]["terminated"]["exitCode"] == 128 + 15


async def test_a_probe_may_cut_the_grace_period_short(tmp_path: Path) -> None:
    probe = {
        "exec": {"command": ["false"]},
        "failureThreshold": 1,
        "initialDelaySeconds": 1,
        "terminationGracePeriodSeconds": 5,
    }
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        script = f"trap '' TERM; echo up; {WAITS}"
        await it.run(shell(script, livenessProbe=probe), terminationGracePeriodSeconds=500)
        await it.says("up")
        await clock.advance(1)
        await it.told("Killing")
        await clock.advance(5)
        await restarts(it, 1)
        assert it.main()["lastState"]["terminated"]["exitCode"] == 128 + 9
        await it.clear()


async def test_readiness_goes_on_and_liveness_stops_while_a_pod_ends(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    test = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1}
    once = test | {"failureThreshold": 1}
    clock = FakeClock()
    async with world(tmp_path / "home", clock=clock) as it:
        script = f"trap '' TERM; echo up; {WAITS}"
        await it.run(shell(script, readinessProbe=once, livenessProbe=once))
        await it.says("up")
        await it.ready()
        await it.client.delete(PODS, "default", "web", DeleteOptions(grace_seconds=60))
        await it.told("Killing")
        flag.unlink()
        await clock.advance(1)
        await it.ready(False)
        await clock.advance(3)
        said = await it.told("Unhealthy")
        assert not [text for text in said if text.startswith("Liveness")]
        await it.clear()


async def test_a_pre_stop_hook_runs_before_sigterm(tmp_path: Path) -> None:
    out = tmp_path / "order"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo hook >> {out}"]}}}
    async with world(tmp_path / "home") as it:
        script = f"trap 'echo term >> {out}; exit 0' TERM; touch {out}; {WAITS}"
        await it.run(shell(script, lifecycle=hook))
        await it.ready()
        await it.until(out.exists)
        await it.client.delete(PODS, "default", "web")
        await it.gone()
        assert out.read_text() == "hook\nterm\n"


async def test_a_post_start_hook_that_fails_ends_the_container(tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60", lifecycle=hook), restartPolicy="Never")
        await it.phase("Failed")
        assert await it.told("FailedPostStartHook") == ["PostStartHook failed"]
        assert await it.told("Killing") == ["FailedPostStartHook"]


async def test_another_image_replaces_the_process(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        obj = it.pod()
        changed = {**obj["spec"]["containers"][0], "image": "alpine"}
        await it.client.update(PODS, {**obj, "spec": {**obj["spec"], "containers": [changed]}})
        await restarts(it, 1)
        assert it.main()["image"] == "docker.io/library/alpine:latest"
        words = "Container main definition changed, will be restarted"
        assert await it.told("Killing") == [words]


async def test_a_container_waits_for_the_post_start_hook_of_the_one_before(tmp_path: Path) -> None:
    flag = tmp_path / "go"
    wait = ["sh", "-c", f"until [ -e {flag} ]; do sleep 0.02; done"]
    lifecycle = {"postStart": {"exec": {"command": wait}}}
    async with world(tmp_path / "home") as it:
        first = shell("exec sleep 60", lifecycle=lifecycle)
        await it.run(first, shell("echo second; exec sleep 60", name="next"))
        await it.state("running")
        assert len(await it.told("Started")) == 1
        statuses = it.pod()["status"]["containerStatuses"]
        assert [bool(status["state"].get("running")) for status in statuses] == [True, False]
        flag.touch()

        def both() -> bool:
            found = it.pod()["status"]["containerStatuses"]
            return all(status["state"].get("running") for status in found)

        await it.until(both)
