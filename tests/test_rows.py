"""Which test shows which row of the acceptance catalogue and which rule of Services.

Rows are Kubernetes' own end-to-end tests of sig-network; tests name theirs by ``pytest.mark.row``.
Rules are the points of the checklist of Service semantics, which comments in the code cite; tests
that need no cluster show most of them, and are named here; others say so by ``pytest.mark.rule``.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent

ROWS = {
    "1": [*range(1, 10), *range(12, 52)],  # Services
    "2": [
        *(n for n in range(1, 22) if n != 5),
        *(24, 25, *range(27, 33), 34, *range(37, 44)),
    ],  # Networking, Conntrack, HostPort, topology
    "4": [*range(1, 9)],  # EndpointSlice, mirroring
    "6": [1, 2, 3, *range(5, 16)],  # LoadBalancer
}
"""By group, those that are possible without SCTP, images, iptables and the internet."""
NOT_YET: Mapping[str, str] = {}
"""Rows that nothing here shows, and why."""

A, V = "api/", "api/validation/"
RULES: Mapping[int, tuple[str, ...]] = {
    # A. Service API: defaults, allocation, updates
    1: (A + "defaults/test_service.py::test_defaults",),
    2: (A + "defaults/test_service.py::test_defaults", V + "test_service.py::test_services"),
    3: (
        A + "test_allocation.py::test_a_new_services_tcp_and_udp_share_a_node_port",
        A + "test_allocation.py::test_a_port_added_later_has_its_own",
        A + "test_allocation.py::test_a_node_port_may_be_chosen_once",
        A + "test_allocation.py::test_a_node_port_elsewhere_cannot_be_had",
        A + "test_allocation.py::test_health_checks_and_node_ports_share_one_pool",
    ),
    4: (
        A + "test_pools.py::test_how_much_is_left_to_people",
        A + "test_allocation.py::test_each_port_gets_a_node_port_above_what_people_pick",
    ),
    5: (V + "test_service.py::test_services",),
    6: (A + "test_service_strategy.py::test_updates",),
    7: (
        V + "test_cluster_ips.py::test_addresses",
        V + "test_cluster_ips.py::test_an_address_stays",
        A + "test_allocation.py::test_an_address_elsewhere_cannot_be_had",
    ),
    8: (
        A + "test_allocation.py::test_what_is_not_committed_was_never_taken",
        A + "test_allocation.py::test_all_is_free_again_when_a_service_is_gone",
        A + "test_allocation.py::test_a_change_that_fails_gives_nothing_back",
    ),
    9: (
        A + "test_servicetype.py::test_what_follows_from_a_type",
        A + "test_service_strategy.py::test_updates",
    ),
    10: (V + "test_service.py::test_services", V + "test_cluster_ips.py::test_addresses"),
    11: (V + "test_service.py::test_services",),
    12: (
        V + "test_service.py::test_services",
        V + "test_service_update.py::test_what_a_balancer_needs_stays",
    ),
    13: (
        V + "test_service.py::test_services",
        V + "test_service.py::test_sources_may_be_noted_as_an_annotation",
    ),
    14: (
        V + "test_service_update.py::test_what_a_balancer_needs_stays",
        "controllers/test_loadbalancer.py::test_a_class_says_whose_it_is",
    ),
    15: (A + "test_allocation.py::test_a_balancer_may_do_without_node_ports",),
    16: (
        A
        + "test_service_strategy.py::test_the_status_is_the_stored_one_and_goes_with_the_balancer",
        V + "test_service_update.py::test_a_balancer_has_addresses_or_names",
    ),
    17: (
        (
            "controllers/test_loadbalancer.py"
            "::test_a_balancer_gets_a_finalizer_and_an_address_and_that_is_told"
        ),
    ),
    # B. Dual stack
    18: (A + "test_families.py::test_families",),
    19: (
        A + "test_families.py::test_what_cannot_be_had",
        A + "test_families.py::test_one_stack_again_gives_up_the_second_address",
    ),
    20: ("controllers/test_targets.py::test_families_are_those_of_the_service",),
    # C. Endpoints and EndpointSlices
    21: ("controllers/test_endpointslice.py::test_conditions_follow_the_pod",),
    22: (
        "controllers/test_targets.py::test_pods_without_address_and_ended_pods_stand_nowhere",
        "controllers/test_endpoints.py::test_readiness_decides_the_list",
    ),
    23: (
        "controllers/test_targets.py::test_a_named_port_is_looked_up_in_the_pod",
        (
            "controllers/test_endpoints.py"
            "::test_pods_with_different_ports_are_in_different_subsets_and_without_in_none"
        ),
        (
            "controllers/test_endpointslice.py"
            "::test_pods_with_different_numbers_are_in_different_slices"
        ),
    ),
    24: (
        "controllers/test_endpointslice.py::test_nothing_selected_is_one_slice_without_ports",
        "controllers/test_endpointslice.py::test_without_a_selector_there_is_no_slice",
        "controllers/test_endpoints.py::test_nothing_selected_has_no_subsets",
    ),
    25: (
        "controllers/test_endpointslice.py::test_a_slice_carries_the_services_labels_and_its_own",
        "controllers/test_endpointslice.py::test_deleted_slices_come_back_and_strangers_stay",
    ),
    26: (
        "controllers/test_endpointslice.py::test_no_slice_holds_more_than_the_limit",
        "controllers/test_endpoints.py::test_a_thousand_addresses_are_listed_ready_ones_first",
        "proxy/test_choose.py::test_a_connection_may_use",
    ),
    27: (
        (
            "controllers/test_targets.py"
            "::test_a_hostname_counts_only_with_the_services_name_as_subdomain"
        ),
    ),
    28: ("controllers/test_endpointslice.py::test_an_endpoint_names_its_pod_node_and_zone",),
    29: ("controllers/test_endpointslice.py::test_deleted_slices_come_back_and_strangers_stay",),
    30: (
        "controllers/test_mirroring.py::test_mirrors_follow_through_create_update_and_delete",
        "controllers/test_mirroring.py::test_what_is_not_to_be_mirrored_loses_its_mirrors",
    ),
    31: (
        (
            "node/test_prober.py"
            "::test_a_container_that_is_being_stopped_is_probed_for_readiness_alone"
        ),
    ),
    # D. Which endpoints a connection may use
    32: ("proxy/test_policy.py::test_endpoints_are_chosen_by_rule",),
    33: ("proxy/test_policy.py::test_endpoints_are_chosen_by_rule",),
    34: (
        "proxy/test_server_policies.py::test_without_endpoints_everybody_is_refused",
        "proxy/test_server.py::test_a_service_without_ready_endpoint_refuses_within_the_turn",
    ),
    35: ("proxy/test_server_policies.py::test_a_policy_decides_who_is_served",),
    36: ("proxy/test_server_policies.py::test_a_policy_decides_who_is_served",),
    37: (
        "e2e/test_proxy_modes.py::test_servers_see_the_pod_behind_a_cluster_ip",
        "e2e/test_proxy_modes.py::test_servers_see_the_pod_behind_a_datagram",
        "e2e/test_proxy_modes.py::test_node_ports_show_a_node",
        "e2e/test_proxy_modes.py::test_node_ports_that_stay_local_show_the_client",
        "e2e/test_proxy_modes.py::test_a_pod_reaches_itself_and_sees_its_node",
    ),
    38: (
        "proxy/test_statusports.py::test_a_health_check_node_port_counts_what_its_node_has",
        "proxy/test_policy.py::test_nodes_count_what_is_ready_and_stays",
    ),
    39: (
        "proxy/test_policy.py::test_endpoints_are_chosen_by_rule",
        "controllers/test_endpointslice.py::test_endpoints_are_hinted_to_those_near",
    ),
    40: (
        (
            "proxy/test_server_policies.py"
            "::test_a_label_hands_a_live_service_to_another_proxy_and_back"
        ),
    ),
    41: ("proxy/test_gate.py::test_source_ranges_guard_a_balancers_address",),
    42: ("proxy/test_ports.py::test_a_service_asks_for",),
    43: ("proxy/test_ports.py::test_a_service_asks_for",),
    44: ("proxy/test_server.py::test_a_node_port_answers_on_every_node_and_loopback",),
    # E. Session affinity and the userspace proxy
    45: ("proxy/test_server.py::test_a_sticky_client_meets_one_by_every_path",),
    46: (
        "proxy/test_affinity.py::test_a_client_sticks_until_its_time_is_over",
        "proxy/test_affinity.py::test_each_new_connection_starts_the_time_again",
    ),
    47: (
        "proxy/test_affinity.py::test_clients_of_an_endpoint_that_went_forget_it_and_others_do_not",
        "proxy/test_server.py::test_a_sticky_client_never_sees_that_its_endpoint_failed",
        "proxy/test_dial.py::test_the_ladder_has_an_end",
    ),
    48: (
        "proxy/test_route.py::test_switching_affinity_off_acts_on_the_next_connection",
        "proxy/test_route.py::test_a_changed_time_acts_on_the_next_connection",
    ),
    49: ("proxy/test_route.py::test_an_endpoint_that_left_is_forgotten_even_if_it_returns",),
    50: (
        "proxy/test_server.py::test_connections_outlive_their_endpoint_and_their_service",
        "proxy/test_server_policies.py::test_a_port_of_one_protocol_goes_without_the_other",
    ),
    51: (
        "proxy/test_stream.py::test_a_client_that_ends_its_request_still_gets_the_answer",
        "proxy/test_stream.py::test_a_server_that_ends_its_answer_still_hears_the_client",
    ),
    52: ("proxy/test_relay.py::test_the_address_of_the_client_is_known_to_the_route",),
    # F. UDP
    53: (
        "proxy/test_datagrams.py::test_a_flow_moves_when_its_endpoint_goes",
        (
            "proxy/test_server_policies.py"
            "::test_a_flow_moves_to_a_local_endpoint_that_replaces_its_own"
        ),
    ),
    54: (
        (
            "proxy/test_server_policies.py"
            "::test_a_flow_that_was_refused_is_served_when_somebody_is_ready"
        ),
    ),
    55: ("proxy/test_server_policies.py::test_a_port_of_one_protocol_goes_without_the_other",),
    56: (
        "proxy/test_datagrams.py::test_payloads_of_any_size_pass_whole",
        "proxy/test_datagrams.py::test_an_answer_comes_from_where_the_client_sent_to",
        "proxy/test_datagrams.py::test_an_idle_flow_ends_and_a_busy_one_stays",
    ),
    57: ("proxy/test_datagrams.py::test_a_client_is_refused_where_no_front_is",),
    # G. Ports on the node
    58: ("proxy/test_statusports.py::test_the_proxy_says_how_it_is_on_every_node",),
    59: ("scheduler/test_filters.py::test_objections",),
    60: (
        "api/defaults/test_pod.py::test_a_pod_on_the_hosts_network_has_its_ports_there",
        "proxy/test_server.py::test_a_deleted_service_refuses",
    ),
}


@cache
def functions(path: Path) -> Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The tests of a file by name."""
    return {
        node.name: node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def marks(kind: str) -> Iterator[str]:
    """What tests of the catalogue say they show."""
    for path in (TESTS / "conformance").glob("test_*.py"):
        for test in functions(path).values():
            for each in test.decorator_list:
                if isinstance(each, ast.Call) and ast.unparse(each.func) == f"pytest.mark.{kind}":
                    yield from (str(ast.literal_eval(argument)) for argument in each.args)


def test_every_row_is_shown_or_has_its_reason() -> None:
    rows = {f"{group}.{number}" for group, numbers in ROWS.items() for number in numbers}
    assert rows - NOT_YET.keys() - set(marks("row")) == set()
    assert set(marks("row")) <= rows - NOT_YET.keys()


def test_every_rule_has_tests_that_exist() -> None:
    assert list(RULES) == list(range(1, 61))
    assert set(marks("rule")) <= {str(number) for number in (*RULES, 68)}
    named = {name for names in RULES.values() for name in names}
    missing = [
        name
        for name in sorted(named)
        if name.partition("::")[2] not in functions(TESTS / name.partition("::")[0])
    ]
    assert missing == []
