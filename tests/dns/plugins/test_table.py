"""Whole Corefiles: what they mean, and what is said of those that can't be used."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns.corefile import BadCorefile
from netemu.dns.forwarding import Prefetch, Stale
from netemu.dns.names import IN_ADDR
from netemu.dns.plugins.table import PLUGINS, configuration_from
from netemu.dns.records import name_from
from netemu.dns.world import World
from tests.dns.cluster import configured


def refused(body: str) -> str:
    with pytest.raises(BadCorefile) as raised:
        configured(f". {{\n{body}\n}}")
    return str(raised.value)


def test_every_plugin_of_the_promise_is_known() -> None:
    promised = """kubernetes forward cache hosts rewrite template loadbalance log errors health
    ready prometheus autopath loop reload transfer"""
    assert set(PLUGINS) == set(promised.split())


def test_an_unknown_plugin_is_named_with_its_line() -> None:
    assert refused("errors\nacl example.org").startswith(
        'Corefile:3: unknown plugin "acl" (netemu knows kubernetes, forward, '
    )


MISTAKES = {
    "kubernetes cluster.local {\n foo\n}": 'Corefile:3: kubernetes: unknown option "foo"',
    "kubernetes cluster.local {\n pods some\n}": "Corefile:3: pods is disabled, insecure or",
    "kubernetes cluster.local {\n ttl 4000\n}": 'Corefile:3: ttl: "4000" is no whole number',
    "kubernetes cluster.local {\n ttl\n}": "Corefile:3: ttl takes 1 arguments, not 0",
    "kubernetes cluster.local {\n labels (\n}": "Corefile:3: unable to parse label selector value",
    "kubernetes cluster.local {\n ignore x\n}": "Corefile:3: ignore knows empty_service",
    "kubernetes": "Corefile:2: kubernetes needs a zone of its own, like cluster.local",
    "kubernetes a..b": "Corefile:2: kubernetes: 'a..b' is no domain name",
    "errors\nerrors": "Corefile:3: errors twice in one server block",
    "forward .": "Corefile:2: forward takes 2 or more arguments, not 1",
    "forward . localhost": 'Corefile:2: forward: "localhost" is no ADDRESS or ADDRESS:PORT',
    "forward . https://one.one": 'Corefile:2: forward: "one.one" is no ADDRESS',
    "forward . https://1.1.1.1 {\n doh_method PUT\n}": "Corefile:3: doh_method is GET or POST, not",
    "forward . tls://one.one": 'Corefile:2: forward: "one.one" is no ADDRESS',
    "forward . tls://1.1.1.1%a {\n tls_servername b\n}": "Corefile:2: forward: tls_servername and",
    "forward . tls://1.1.1.1 {\n tls a b c d\n}": "Corefile:3: tls takes 0 to 3 arguments, not 4",
    "forward . tls://1.1.1.1 {\n tls /no\n}": "Corefile:2: forward: cannot read /no: No such",
    "forward . tls://1.1.1.1 {\n tls /a /b\n}": "Corefile:2: forward: tls: No such file",
    "forward . 1.1.1.1 {\n failover NOPE\n}": 'Corefile:3: failover: "NOPE" is no response code',
    "forward . 1.1.1.1:0": 'Corefile:2: forward: "0" is no whole number within 1..65535',
    "forward . 1.1.1.1 {\n policy best\n}": "Corefile:3: policy is random, round_robin",
    "forward . 1.1.1.1 {\n resolver 1.1.1.1\n}": "Corefile:3: forward: resolver is not supported",
    "forward . " + " ".join(f"1.1.1.{n}" for n in range(20)): "Corefile:2: forward takes up to 15",
    "cache 30 {\n disable all\n}": 'Corefile:3: disable success or denial, not "all"',
    "cache 30 {\n servfail 5\n}": 'Corefile:3: servfail: "5" is no duration like 5s',
    "cache 30 {\n serve_stale 1h often\n}": "Corefile:3: serve_stale is immediate or verify, not",
    "cache 30 {\n prefetch 5 1m 5%\n}": 'Corefile:3: prefetch: "5" is no whole number within 10',
    "hosts {\n foo bar\n}": 'Corefile:3: hosts: unknown option "foo"',
    "loadbalance best": "Corefile:2: loadbalance knows round_robin, weighted, random,",
    "loadbalance weighted": "Corefile:2: loadbalance takes 2 arguments, not 1",
    "log . {\n class odd\n}": 'Corefile:3: log: class is success, denial, error, all, not "odd"',
    "cache {\n servfail 6m\n}": "Corefile:3: caching SERVFAIL responses over 5 minutes is not",
    "cache {\n serve_stale_policy prefer_positive\n}": "Corefile:2: serve_stale_policy requires",
    "cache {\n serve_stale 1h immediate 1s 1s 1s\n}": "Corefile:3: serve_stale immediate takes",
    "forward . 1.1.1.1 {\n source_address x\n}": 'Corefile:3: source_address: "x" is no address',
    "hosts {\n fallthrough_unsupported\n}": "Corefile:2: hosts: fallthrough_unsupported requires",
    "template IN A {\n expr true\n}": "Corefile:3: template: expr is not supported",
    "autopath @etcd": 'Corefile:2: autopath knows @kubernetes, not "@etcd"',
    "autopath /etc/resolv.conf": "Corefile:2: autopath: cannot read /etc/resolv.conf: No such file",
    "transfer": "Corefile:2: transfer needs to whom",
    "template IN A {\n foo\n}": 'Corefile:3: template: unknown option "foo"',
    "template CH A": 'Corefile:2: template: only class IN is served, not "CH"',
    "template IN FOO": 'Corefile:2: template: "FOO" is no whole number within 0..65535',
    'template IN A {\n match "("\n}': "Corefile:2: template: '(' is no regular expression",
    'template IN A {\n answer "{{ .Foo }} A 1.2.3.4"\n}': "Corefile:2: template: {{ .Foo }} is not",
    'template IN A {\n answer "{{ .Group.a }}"\n}': "Corefile:2: template: no expression has",
    "template IN A {\n rcode NOPE\n}": 'Corefile:3: rcode: "NOPE" is no response code',
    "rewrite": "Corefile:2: rewrite : known are name, type, class, ttl, rcode, cname, edns0",
    "rewrite rcode a NXDOMAIN": "Corefile:2: rewrite rcode takes a name, a response code and",
    "rewrite rcode suffix a NXDOMAIN NOPE": 'Corefile:2: rewrite: "NOPE" is no response code',
    "loadbalance {\n prefer 10.0.0.0/40\n}": "Corefile:3: prefer: '10.0.0.0/40' does not appear",
    "loadbalance {\n prefer\n}": "Corefile:3: prefer takes 1 or more arguments, not 0",
    "template IN A {\n ederror\n}": "Corefile:3: ederror takes 1 to 2 arguments, not 0",
    "rewrite name a": "Corefile:2: rewrite name takes what is asked and what it becomes",
    "rewrite name regex ( a": 'Corefile:2: "(" is no regular expression',
    "rewrite name regex a b answer": "Corefile:2: rewrite: answer is no rule for answers",
    "rewrite ttl a": "Corefile:2: rewrite ttl takes a name and seconds",
    "rewrite class IN XX": 'Corefile:2: rewrite: "XX" is no class',
    "health a b": "Corefile:2: health takes 0 to 1 arguments, not 2",
    "health {\n foo\n}": 'Corefile:3: health: unknown option "foo" (there are lameduck)',
}


@pytest.mark.parametrize(("body", "message"), MISTAKES.items())
def test_mistakes_are_named_with_their_line(body: str, message: str) -> None:
    assert refused(body).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Corefile:1: there is no server block"),
        (".:5353 {\n}", 'Corefile:1: ".:5353": netemu serves plain DNS at its own addresses'),
        ("tls://. {\n}", 'Corefile:1: "tls://.": netemu serves plain DNS'),
        (". {\n}\n.:53 {\n}", "Corefile:3: a zone that has a server block already"),
    ],
)
def test_server_blocks_are_checked(text: str, message: str) -> None:
    with pytest.raises(BadCorefile) as raised:
        configuration_from(text, World())
    assert str(raised.value).startswith(message)


def test_the_block_with_the_longest_zone_serves() -> None:
    made = configured(". {\n}\nexample.org {\n}\na.example.org b.example {\n}")
    for name, number in {
        "x.a.example.org": 2,
        "a.example.org": 2,
        "b.example.org": 1,
        "xexample.org": 0,
        "c.b.example": 2,
        "com": 0,
    }.items():
        assert made.block_of(name_from(name)) is made.blocks[number], name


def test_without_a_block_for_everything_some_names_have_none() -> None:
    assert configured("example.org {\n}").block_of(name_from("example.com")) is None


def test_ranges_of_addresses_are_reverse_zones() -> None:
    made = configured("10.0.0.0/8 172.16.0.0/12 fd00::/16 {\n}")
    zones = made.blocks[0].zones
    assert zones[0] == (b"10", *IN_ADDR)
    assert zones[1:17] == tuple((str(n).encode(), b"172", *IN_ADDR) for n in range(16, 32))
    assert zones[17] == name_from("0.0.d.f.ip6.arpa")


SERVERS = {
    "forward . [2001:db8::1]:5353 2001:db8::2": ("2001:db8::1", 5353, None),
    "forward . tls://9.9.9.9": ("9.9.9.9", 853, "9.9.9.9"),
    "forward . tls://9.9.9.9 {\n tls_servername dns.quad9.net\n}": (
        "9.9.9.9",
        853,
        "dns.quad9.net",
    ),
    "forward . tls://9.9.9.9%dns.quad9.net": ("9.9.9.9", 853, "dns.quad9.net"),
    "forward . tls://9.9.9.9%dns.quad9.net:10853 1.1.1.1": ("9.9.9.9", 10853, "dns.quad9.net"),
    "forward . tls://[2620:fe::fe]:8853 {\n tls\n}": ("2620:fe::fe", 8853, "2620:fe::fe"),
}


@pytest.mark.parametrize(("body", "server"), SERVERS.items())
def test_servers_may_be_of_either_family_and_asked_over_tls(
    body: str, server: tuple[str, int, str | None]
) -> None:
    (forward,) = configured(f". {{\n{body}\n}}").blocks[0].forwards
    address, port, name = server
    tls = forward.tls_of((address, port))
    assert forward.servers[0] == (address, port)
    assert (tls.name if tls else None) == name


def test_options_of_forward_are_coredns() -> None:
    made = configured(
        ". {\n forward . 1.1.1.1 {\n failover SERVFAIL REFUSED\n next NXDOMAIN\n next_on_nodata\n"
        " failfast_all_unhealthy_upstreams\n max_connect_attempts 3\n }\n}"
    )
    (forward,) = made.blocks[0].forwards
    assert (forward.failover, forward.next) == (frozenset({2, 5}), frozenset({3}))
    assert (forward.next_on_no_data, forward.fail_fast, forward.attempts) == (True, True, 3)


STUB = "nameserver 127.0.0.53\noptions edns0 trust-ad\n"


def test_the_servers_behind_systemd_resolved_are_asked() -> None:
    """Its stub may ask us in turn."""
    asked = {"/etc/resolv.conf": STUB}

    def read(path: str) -> str:
        if path not in asked:
            raise FileNotFoundError(2, "No such file or directory", path)
        return asked[path]

    text = ". {\n forward . /etc/resolv.conf\n}"
    made = configuration_from(text, World(read=read))
    assert made.blocks[0].forwards[0].servers == (("127.0.0.53", 53),)
    asked["/run/systemd/resolve/resolv.conf"] = "nameserver 192.0.2.7\nnameserver 2001:db8::7\n"
    made = configuration_from(text, World(read=read))
    assert made.blocks[0].forwards[0].servers == (("192.0.2.7", 53), ("2001:db8::7", 53))
    assert made.files == ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")


def test_a_cache_may_serve_what_is_stale_and_fetch_what_is_popular() -> None:
    options = "serve_stale 1m verify 100ms 30s 1m\n prefetch 5 30s 20%"
    text = f". {{\n forward . 1.1.1.1\n cache {{\n {options}\n }}\n}}"
    cache = configured(text).blocks[0].forwards[0].cache
    assert cache is not None
    stale = Stale(60, verified=True, timeout=0.1, ttl=30, recheck=60)
    assert (cache.stale, cache.prefetch) == (stale, Prefetch(5, 30.0, 20))
    plain = configured(". {\n forward . 1.1.1.1\n cache {\n serve_stale\n }\n}")
    cache = plain.blocks[0].forwards[0].cache
    assert cache is not None
    assert (cache.stale, cache.prefetch) == (Stale(3600), None)


def test_where_health_and_metrics_listen() -> None:
    made = configured(". {\n health :81 {\n lameduck 5s\n }\n ready\n prometheus localhost:9\n}")
    assert made.served == {"health": ":81", "ready": ":8181", "prometheus": "localhost:9"}


WITHOUT_EFFECT = {
    "forward . 1.1.1.1 {\n expire 10s\n}": "Corefile:3: expire has no effect",
    "forward . /nowhere": "Corefile:2: cannot read /nowhere: No such file or directory",
    "kubernetes a.b {\n endpoint http://x\n}": "Corefile:3: endpoint has no effect",
    "log . {combined}": "Corefile:2: log has no effect",
    "hosts": "Corefile:2: cannot read /etc/hosts",
}


@pytest.mark.parametrize(("body", "remark"), WITHOUT_EFFECT.items())
def test_what_has_no_effect_is_remarked(body: str, remark: str) -> None:
    assert configured(f". {{\n{body}\n}}").remarks[0].startswith(remark)


def test_we_are_no_server_for_ourselves() -> None:
    world = World(
        read=lambda _: "nameserver 127.0.0.1\nnameserver 192.0.2.1\n",
        own=frozenset({("127.0.0.1", 53)}),
    )
    made = configuration_from(". {\n forward . /etc/resolv.conf\n}", world)
    assert made.blocks[0].forwards[0].servers == (("192.0.2.1", 53),)
    made = configuration_from(". {\n forward . 127.0.0.1\n}", world)
    assert made.blocks[0].forwards == ()
    assert made.remarks == (
        "Corefile:2: names of others are refused: only this server itself is named in 127.0.0.1",
    )


def test_a_cache_has_limits() -> None:
    text = """. {
        forward . 1.1.1.1
        cache 60 example.org {
            success 100 50 2
            denial 200 60 3
            servfail 1s
            disable denial a.example.org
            serve_stale 1h immediate 7s
            serve_stale_policy prefer_positive
            keepttl
        }
    }"""
    cache = configured(text).blocks[0].forwards[0].cache
    assert cache is not None
    assert (cache.success, cache.least, cache.denial, cache.failure) == (50, 2, 60, 1)
    assert (cache.entries, cache.denials, cache.count_down) == (100, 200, False)
    assert cache.stale == Stale(3600, ttl=7, prefer_positive=True)
    assert cache.least_denial == 3
    assert cache.zones == (name_from("example.org"),)
    assert cache.no_denial == (name_from("a.example.org"),)
    assert cache.no_success == ()


WORDS = """. { { } { } a.b 30 1.1.1.1 name ttl 10.0.0.0/8 pods verified IN A match "(" answer to
* -1 : @kubernetes regex suffix success disable"""
LETTERS = st.sampled_from([*PLUGINS, *WORDS.split(" "), "\n", "\n", "\n"])


@given(st.lists(LETTERS, max_size=30))
def test_any_words_are_understood_or_refused(words: list[str]) -> None:
    with suppress(BadCorefile):
        configured(". {\n" + " ".join(words) + "\n}")


def test_files_of_a_pattern_are_imported_and_watched() -> None:
    texts = {"/x/a.server": "a.example {\n errors\n}", "/x/b.server": "b.example {\n errors\n}"}

    def paths(pattern: str) -> list[str]:
        return sorted(texts) if pattern == "custom/*.server" else []

    world = World(read=lambda path: texts[path], paths=paths)
    made = configuration_from(". {\n}\nimport custom/*.server\n", world)
    assert [block.zones for block in made.blocks[1:]] == [
        (name_from("a.example"),),
        (name_from("b.example"),),
    ]
    assert made.files == ("custom/*.server", *sorted(texts))


def test_options_of_a_forward() -> None:
    text = "forward . 1.1.1.1 {\n read_timeout 500ms\n source_address 192.0.2.1\n}"
    (forward,) = configured(f". {{\n{text}\n}}").blocks[0].forwards
    assert (forward.read_seconds, forward.source) == (0.5, "192.0.2.1")


def test_servers_are_asked_over_https() -> None:
    text = "forward . https://9.9.9.9%dns.quad9.net https://1.1.1.1:8443 tls://8.8.8.8"
    (forward,) = configured(f". {{\n{text} {{\n doh_method GET\n}}\n}}").blocks[0].forwards
    assert [(server, tls.name, tls.https) for server, tls in forward.secured] == [
        (("9.9.9.9", 443), "dns.quad9.net", True),
        (("1.1.1.1", 8443), "1.1.1.1", True),
        (("8.8.8.8", 853), "8.8.8.8", False),
    ]
    assert all(tls.get for _, tls in forward.secured)
