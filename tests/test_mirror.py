"""Each module has the test of its name, or says where it is tested."""

from pathlib import Path

import netemu

ROOT = Path(netemu.__file__).parent
TESTS = Path(__file__).parent

CONTRACTS = {
    # Interfaces and tables of names: whoever implements or reads them is tested.
    "api/context.py",
    "config/version.py",
    "daemon/parts.py",
    "model/client.py",
    "model/sockets.py",
    "model/streams.py",
    "model/usage.py",
    "node/context.py",
    "node/owner.py",
    "node/runtime.py",
    "store/base.py",
}
ELSEWHERE = {
    # What only shows in a whole instance, or is one subject in several modules.
    "api/admissionauthorizer.py": "api/test_admissionpolicies.py",
    "api/admissionexpressions.py": "api/test_admissionpolicies.py",
    "api/admissionrequest.py": "api/test_admissionpolicies.py",
    "api/admissionrules.py": "api/test_admissionpolicies.py",
    "api/records.py": "api/test_registry.py",
    "api/writeoptions.py": "api/test_registry.py",
    "api/webhookclient.py": "api/test_webhooks.py",
    "api/gate.py": "api/test_admissionpolicies.py",
    "api/jsonbody.py": "api/test_body.py",
    "api/validation/expressions.py": "api/test_admissionpolicies.py",
    "api/custom/celtypes.py": "api/custom/test_rules.py",
    "api/custom/fieldpaths.py": "api/custom/test_rules.py",
    "api/custom/listrules.py": "api/custom/test_versionrules.py",
    "api/custom/schemanodes.py": "api/custom/test_versionrules.py",
    "api/custom/structuralrules.py": "api/custom/test_versionrules.py",
    "api/custom/schemarules.py": "api/custom/test_versionrules.py",
    "api/custom/listtypes.py": "api/custom/test_objects.py",
    "cel/checker.py": "cel/test_program.py",
    "cel/errors.py": "cel/test_program.py",
    "cel/evaluate.py": "cel/test_program.py",
    "cel/lexer.py": "cel/test_program.py",
    "cel/library.py": "cel/test_program.py",
    "cel/lists.py": "cel/test_program.py",
    "cel/loops.py": "cel/test_program.py",
    "cel/network.py": "cel/test_program.py",
    "cel/operators.py": "cel/test_program.py",
    "cel/parser.py": "cel/test_program.py",
    "cel/quantities.py": "cel/test_program.py",
    "cel/standard.py": "cel/test_program.py",
    "cel/strings.py": "cel/test_program.py",
    "cel/syntax.py": "cel/test_program.py",
    "cel/times.py": "cel/test_program.py",
    "cel/types.py": "cel/test_program.py",
    "cel/values.py": "cel/test_program.py",
    "cel/authorizer.py": "cel/test_program.py",
    "cli/affinity_command.py": "e2e/test_services.py",
    "cli/clock_command.py": "e2e/test_clock.py",
    "cli/completion_command.py": "e2e/test_cli.py",
    "cli/demo_command.py": "e2e/test_cli.py",
    "cli/down_command.py": "e2e/test_life.py",
    "cli/env_command.py": "e2e/test_life.py",
    "cli/exec_command.py": "e2e/test_life.py",
    "cli/instance.py": "e2e/test_bad_input.py",
    "cli/kubeconfig_command.py": "e2e/test_cli.py",
    "cli/kubectl.py": "e2e/test_cli.py",
    "cli/ls_command.py": "e2e/test_life.py",
    "cli/node_command.py": "e2e/test_nodes.py",
    "cli/proxy_command.py": "e2e/test_proxy_modes.py",
    "cli/rollout_command.py": "e2e/test_rollout_report.py",
    "cli/shell_command.py": "e2e/test_cli.py",
    "cli/status_command.py": "e2e/test_life.py",
    "cli/up_command.py": "e2e/test_life.py",
    "cli/version_command.py": "e2e/test_cli.py",
    "cli/watch_command.py": "e2e/test_watch.py",
    "cli/weights_command.py": "e2e/test_split.py",
    "controllers/replicasetplan.py": "controllers/test_replicaset.py",
    "controllers/scaletargets.py": "controllers/test_autoscale.py",
    "daemon/announcements.py": "e2e/test_announcements.py",
    "daemon/answers.py": "e2e/test_life.py",
    "daemon/asking.py": "daemon/test_control.py",
    "daemon/cluster.py": "e2e/test_life.py",
    "daemon/facts.py": "e2e/test_life.py",
    "daemon/main.py": "e2e/test_life.py",
    "daemon/nodecontrol.py": "e2e/test_nodes.py",
    "daemon/rolloutreport.py": "daemon/test_rolloutrecord.py",
    "daemon/places.py": "e2e/test_reachability.py",
    "daemon/ports.py": "e2e/test_bad_input.py",
    "dns/logentries.py": "dns/test_querylog.py",
    "dns/chain.py": "dns/plugins/test_table.py",
    "dns/plugins/cache.py": "dns/plugins/test_table.py",
    "dns/plugins/draft.py": "dns/plugins/test_table.py",
    "dns/plugins/serving.py": "dns/plugins/test_table.py",
    "dns/plugins/words.py": "dns/plugins/test_table.py",
    "dns/worker.py": "dns/test_workers.py",
    "fabric/nft_encoding.py": "fabric/test_nftables.py",
    "dns/forwarding.py": "dns/plugins/test_forward.py",
    "model/nft.py": "fabric/test_nftables.py",
    "node/hooks.py": "node/test_containers.py",
    "node/refusals.py": "node/test_containers.py",
    "programs/agnhost/dial.py": "programs/agnhost/test_netexec.py",
    "programs/counter.py": "programs/test_images.py",
    "programs/echo.py": "programs/test_images.py",
    "programs/hello.py": "programs/test_images.py",
    "programs/kubia.py": "programs/test_images.py",
    "programs/pause.py": "programs/test_images.py",
    "programs/redis.py": "programs/test_images.py",
    "testing/instance.py": "e2e/test_life.py",
    "testing/plugin.py": "e2e/test_life.py",
    "proxy/flows.py": "proxy/test_datagrams.py",
    "proxy/health.py": "proxy/test_statusports.py",
    "proxy/healthports.py": "proxy/test_statusports.py",
    "proxy/hostports.py": "proxy/test_ports.py",
    "proxy/kernelpools.py": "proxy/test_kernel.py",
    "proxy/kernelrules.py": "proxy/test_kernel.py",
    "proxy/lanes.py": "proxy/test_server.py",
    "proxy/metrics.py": "proxy/test_ledger.py",
    "proxy/protocols.py": "proxy/test_modes.py",
    "proxy/site.py": "proxy/test_ports.py",
}


def modules() -> set[str]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
    return {str(path) for path in found if not path.name.startswith("__")}


def mirror(module: str) -> Path:
    path = Path(module)
    return TESTS / path.parent / f"test_{path.name}"


def test_each_module_has_its_test() -> None:
    expected = modules() - CONTRACTS - set(ELSEWHERE)
    assert [module for module in sorted(expected) if not mirror(module).exists()] == []


def test_the_exceptions_are_true() -> None:
    assert CONTRACTS | set(ELSEWHERE) <= modules()
    assert all((TESTS / test).exists() for test in ELSEWHERE.values())
    assert [m for m in sorted(CONTRACTS | set(ELSEWHERE)) if mirror(m).exists()] == []
