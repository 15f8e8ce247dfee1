"""Jobs: made by hand, of a schedule, waited for, their logs."""

from tests.contract.manifests import CRON_JOB
from tests.contract.step import Step

JOBS = (
    Step("create -f -", "cronjob.batch/cj created", stdin=CRON_JOB),
    Step("get cj", r"cj +0 0 1 1 \* +.*False +0"),
    # 1.20 knows CronJobs as batch/v1beta1 only.
    Step("create job j1 --from=cronjob/cj", "job.batch/j1 created", since=21),
    Step("create job j2 --image=busybox -- sh -c 'echo worked'", "job.batch/j2 created"),
    Step("wait --for=condition=Complete job/j2 --timeout=30s", "job.batch/j2 condition met"),
    Step("wait --for=condition=Complete job --all --timeout=30s", "condition met"),
    Step("logs job/j2", "^worked$"),
    Step("get jobs j2", r"j2 +.*1/1 +\d+s"),
    Step("describe job j2", "Pods Statuses: +0 (Active|Running).* / 1 Succeeded / 0 Failed"),
    Step("describe cj cj", "Schedule: +0 0 1 1", since=21),
    Step("create cronjob c2 --image=busybox '--schedule=*/5 * * * *'", "c2 created", since=21),
    Step("create job j3 --image=busybox -- sh -c 'sleep 100'", "job.batch/j3 created"),
    Step("wait --for=condition=Complete job/j3 --timeout=1s", code=1, err="timed out"),
    Step("wait --for=create job/j3 --timeout=5s", "condition met", since=31),
    Step("delete job j3 --cascade=foreground", 'job.batch "j3" deleted', since=20),
)
