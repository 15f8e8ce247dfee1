"""Which node a pod runs on: filter and score, pure; a loop that binds."""

from netemu.scheduler.loop import run_scheduler

__all__ = ["run_scheduler"]
