"""A pod's containers as running things: starting, watching, stopping them.

The values in `PodState` say what is so; the processes behind them live here, as `Run`s.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from netemu.config.images import Program, Unknown
from netemu.node import hooks, image_files, refusals, termination
from netemu.node.backoff import BackOff
from netemu.node.context import Node
from netemu.node.environment import ConfigError
from netemu.node.folders import log_folder, own_folder
from netemu.node.handlers import Target
from netemu.node.launch import (
    base_environment,
    pod_environment,
    program_of,
)
from netemu.node.logs import LifeLog, forget_lives, log_path
from netemu.node.owner import Owner
from netemu.node.plan import ending
from netemu.node.pod import ContainerSpec
from netemu.node.probe_reports import reports
from netemu.node.prober import Prober
from netemu.node.run import Run
from netemu.node.runtime import (
    Exited,
    MountSpec,
    Process,
    ProcessSpec,
    Security,
    StartError,
)
from netemu.node.security import is_somebody_else, runnable, security_of
from netemu.node.state import Life, Stopping
from netemu.node.stdio import Keyboard, open_stdio


class Containers:
    """The containers of one pod."""

    def __init__(self, owner: Owner, node: Node) -> None:
        self._owner = owner
        self._node = node
        self._cluster = node.cluster
        self._runs: dict[str, Run] = {}

    def log_of(self, name: str) -> LifeLog | None:
        """The newest log of a container that this agent started."""
        run = self._runs.get(name)
        return run.log if run else None

    def first_processes(self) -> list[tuple[str, int]]:
        """Name and first process (as the host numbers it) of every container that runs."""
        return [
            (name, run.process.pid)
            for name, run in self._runs.items()
            if run.process.pid > 0 and self._owner.container(name).running
        ]

    def running(self, name: str) -> Run | None:
        """The life of a container that goes on."""
        run, container = self._runs.get(name), self._owner.state.containers.get(name)
        return run if container is not None and container.running else None

    def only_readiness(self) -> None:
        """The pod ends: stop liveness and startup probes."""
        for run in self._runs.values():
            if run.prober is not None:
                run.prober.only_readiness()

    def retry_config(self) -> bool:
        """Let containers that wait for a ConfigMap or Secret be tried at once; whether any do."""
        waiting = [
            name
            for name, container in self._owner.state.containers.items()
            if container.waiting is not None and container.waiting.reason == refusals.CONFIG_ERROR
        ]
        for name in waiting:
            self._owner.change(name, retry_at=0.0)
        return bool(waiting)

    async def start(self, spec: ContainerSpec) -> None:
        """Start a container, or say why not."""
        pod, node = self._owner.pod, self._node
        addresses = self._owner.state.addresses or ("",)
        try:
            env = pod_environment(pod, spec, node, addresses)
            security = security_of(pod, spec.raw)
            mounts = self._owner.volumes.mounts(spec.raw, env)
        except ConfigError as error:
            refusals.misconfigured(
                self._owner, self._cluster.clock, spec.name, refusals.CONFIG_ERROR, str(error)
            )
            return
        program = program_of(pod, spec, node, addresses, env)
        if isinstance(program, Unknown):
            refusals.unresolved(self._owner, self._cluster.clock, spec, program)
            return
        words = f'Container image "{spec.image}" already present on machine'
        self._owner.event("Normal", "Pulled", words, spec.name)
        base = base_environment(pod, spec, node, addresses[0])
        if not self._cluster.runtime.isolated:
            base |= self._owner.volumes.hints()
        if is_somebody_else(security):
            base["HOME"] = "/"  # ours is not open to everybody
        await self._launch(spec, program, {**base, **program.env, **env}, mounts, security)

    async def _launch(
        self,
        spec: ContainerSpec,
        program: Program,
        env: Mapping[str, str],
        mounts: Sequence[MountSpec],
        security: Security,
    ) -> None:
        before = self._owner.container(spec.name)
        number = before.restarts + 1 if before.life else before.restarts
        log = self._new_log(spec.name, number)
        own = own_folder(self._cluster.home, self._owner.pod.uid, spec.name)
        brought = image_files.write(own, program.files)
        self._owner.event("Normal", "Created", f"Created container: {spec.name}", spec.name)
        given, keyboard = open_stdio(self._cluster.runtime, spec.raw, log)
        process_spec = ProcessSpec(
            sandbox=self._owner.pod.uid,
            argv=runnable(program.argv, security),
            env={"TERM": "xterm", **env} if keyboard.tty else env,
            cwd=spec.raw.get("workingDir") or "/",
            stdin=given.stdin,
            stdout=given.stdout,
            stderr=given.stderr,
            join=self._target_of(spec),
            mounts=[*brought, *mounts, *termination.mount_of(spec.raw, log.path)],
            security=security,
        )
        try:
            process = await self._cluster.runtime.start(process_spec)
        except BaseException as error:
            keyboard.close()
            log.close()
            if not isinstance(error, StartError):
                raise
            self._new_life(spec, number)
            refusals.never_ran(self._owner, self._cluster.clock, spec.name, str(error))
        else:
            life = self._new_life(spec, number)
            self._began(spec, life, process, log, process_spec, keyboard)
        finally:
            given.close()

    def _target_of(self, spec: ContainerSpec) -> int | None:
        """The process whose namespaces an ephemeral container shares (targetContainerName)."""
        run = self.running(spec.raw.get("targetContainerName") or "")
        return None if run is None else run.process.pid

    def _new_life(self, spec: ContainerSpec, number: int) -> Life:
        before = self._owner.container(spec.name)
        back_off = before.restarting
        if before.life is not None and before.image == spec.image:
            back_off = back_off.after(before.ended, self._cluster.clock.monotonic())
        elif before.life is not None:
            back_off = BackOff()  # what another image did says nothing of this one
        life = Life(id=self._cluster.rng.randbytes(32).hex(), started=self._cluster.clock.now())
        self._owner.change(
            spec.name,
            life=life,
            previous=before.life or before.previous,
            restarts=number,
            restarting=back_off,
            waiting=None,
            retry_at=0.0,
            image=spec.image,
            stopping=None,
            prepared=False,
            unhealthy="",
            started=spec.startup is None,
            serving=spec.readiness is None,
        )
        return life

    def _new_log(self, name: str, number: int) -> LifeLog:
        cluster = self._cluster
        folder = log_folder(cluster.home, self._owner.pod.uid, name)
        own_folder(cluster.home, self._owner.pod.uid, name).mkdir(parents=True, exist_ok=True)
        forget_lives(folder, number)
        return LifeLog(log_path(folder, number), cluster.settings.log_limit, cluster.clock)

    def _began(
        self,
        spec: ContainerSpec,
        life: Life,
        process: Process,
        log: LifeLog,
        process_spec: ProcessSpec,
        keyboard: Keyboard,
    ) -> None:
        cluster, owner = self._cluster, self._owner
        target = Target(
            sandbox=process_spec.sandbox,
            address=owner.state.address,
            pid=process.pid,
            env=process_spec.env,
            cwd=process_spec.cwd,
            security=process_spec.security,
            ports=spec.raw.get("ports") or (),
        )
        kills = termination.oom_kills()
        run = Run(life.id, process, log, target, keyboard, oom_kills=kills)
        self._runs[spec.name] = run
        owner.event("Normal", "Started", f"Started container {spec.name}", spec.name)
        cluster.tasks.start(self._watch(spec.name, run), name=f"end of {spec.name}")
        if (spec.raw.get("resources") or {}).get("limits"):
            from netemu.node import memory_limit  # late: few containers have any

            memory_limit.guard(cluster, spec, run)
        hooks.begin(owner, cluster, spec, run)
        told = reports(owner, cluster, spec, life.id, target)
        run.prober = Prober(spec, told, cluster.clock, cluster.tasks)
        if ending(owner.pod, owner.state):
            run.prober.only_readiness()

    def called(self, name: str, argv: Sequence[str]) -> tuple[str, ...]:
        """A command as the image of a container would have it."""
        return self._cluster.images.called(self._owner.pod.spec(name).image, argv)

    async def _watch(self, name: str, run: Run) -> None:
        exited = await run.process.wait()
        run.close()
        raw = self._owner.pod.spec(name).raw
        told = await asyncio.to_thread(termination.message, raw, run.log.path, exited.code)
        self._ended(name, run, exited, told)

    def _ended(self, name: str, run: Run, exited: Exited, told: str) -> None:
        life = self._owner.container(name).life
        if life is None or life.id != run.life:
            return
        clock = self._cluster.clock
        reason = "Error" if exited.code else "Completed"
        stopping = self._owner.container(name).stopping
        if exited.signal == signal.SIGKILL and not (stopping and stopping.killed):
            oom = run.over_limit
            reason = termination.OOM if oom else termination.killed_reason(run.oom_kills)
        ended = replace(life, finished=clock.now(), code=exited.code, reason=reason, message=told)
        now = clock.monotonic()
        self._owner.change(name, life=ended, ended=now, stopping=None, waiting=None, hooking=False)
        self._owner.wake()

    def stop(self, spec: ContainerSpec, grace: float, message: str) -> None:
        """Ask a container to end: its preStop hook first, then SIGTERM."""
        now = self._cluster.clock.monotonic()
        self._owner.change(spec.name, stopping=Stopping(since=now, grace=grace))
        self._owner.event("Normal", "Killing", message, spec.name)
        hooks.end(self._owner, self._cluster, spec, self._runs[spec.name], grace)

    def prepare(self, spec: ContainerSpec, grace: float) -> None:
        """Run the preStop hook of a container whose turn to be stopped comes later."""
        hooks.prepare(self._owner, self._cluster, spec, self._runs[spec.name], grace)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        now = self._cluster.clock.monotonic()
        stopping = self._owner.container(name).stopping or Stopping(since=now, grace=0.0)
        self._owner.change(name, stopping=replace(stopping, killed=True))
        self._runs[name].process.signal(signal.SIGKILL)
