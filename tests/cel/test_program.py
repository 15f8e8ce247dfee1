"""Expressions from text to value: what they are, what they come to, what is wrong with them."""

from typing import Any, Final

import pytest

from netemu.cel.errors import CompileError, CostExceeded, EvaluationError
from netemu.cel.program import compile_expression
from netemu.cel.types import DYN, INT, STRING, Field, Type, list_of

SPEC: Final = Type(
    "selfType.spec",
    (),
    {
        "n": Field(INT, "n"),
        "s": Field(STRING, "s"),
        "xs": Field(list_of(STRING), "xs"),
        "__namespace__": Field(STRING, "namespace"),
    },
)
SELF: Final = Type("selfType", (), {"spec": Field(SPEC, "spec")})
VALUE: Final[Any] = {
    "replicas": 3,
    "names": ["a", "b"],
    "nested": {"deep": {"x": 1}},
    "none": None,
    "many": list(range(100)),
}


def value_of(source: str) -> Any:
    value, _ = compile_expression(source, {"self": DYN}).evaluate({"self": VALUE})
    return value


TRUE = [
    "1 + 2 * 3 == 7",
    "-7 / 2 == -3 && -7 % 3 == -1 && 7 / -2 == -3",
    "7.0 / 2.0 == 3.5",
    "dyn(1) == 1.0 && dyn(1u) == 1 && !(dyn('1') == 1)",
    "1 < 2 && 2.5 > 2 && 'a' < 'b' && false < true",
    "'a' + 'b' == 'ab' && [1] + [2] == [1, 2]",
    "0x1F == 31 && 1e3 == 1000.0",
    r"'\n' == '\x0a' && r'\n'.size() == 2 && '''a'b'''.size() == 3",
    "b'abc' == bytes('abc') && string(b'abc') == 'abc'",
    "size('héé') == 3 && 'abc'.size() == 3 && size([1, 2]) == 2 && size({'a': 1}) == 1",
    "self.names.all(n, n.matches('^[ab]$')) && self.names.exists(n, n == 'b')",
    "self.names.exists_one(n, n == 'b') && self.names.map(n, n + '!') == ['a!', 'b!']",
    "self.many.filter(n, n > 97) == [98, 99]",
    "self.many.map(n, n > 97, n * 2) == [196, 198]",
    "self.nested.all(k, k == 'deep')",
    "has(self.replicas) && !has(self.nothing) && has(self.none) && self.none == null",
    "self.nested['deep'].x == 1 && 'deep' in self.nested && !('x' in self.nested)",
    "[1, 2, 3][1] == 2 && 2 in [1, 2]",
    "true ? true : self.nothing",
    "false && self.nothing || true",
    "!(self.nothing == 1 && false) && (self.nothing == 1 || true)",
    "[0, 1].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 2)",
    "type(1) == int && type('a') == string && type([]) == list && type({}) == map",
    "int('12') == 12 && int(3.9) == 3 && double('1.5') == 1.5 && string(1.5) == '1.5'",
    "string(true) == 'true' && bool('true') && uint(3) == 3u",
    "timestamp('2024-02-29T12:00:00Z') + duration('24h') == timestamp('2024-03-01T12:00:00Z')",
    "timestamp('2024-02-29T12:00:00Z').getDayOfWeek() == 4",
    "timestamp('2024-02-29T23:00:00Z').getDate('Europe/Berlin') == 1",
    "timestamp('2024-02-29T23:00:00Z').getHours('+02:00') == 1",
    "duration('90m').getHours() == 1 && string(duration('1m30s')) == '90s'",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
    "['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1) == 'bc'",
    "'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3 && 'hello'.charAt(4) == 'o'",
    "'aXb'.lowerAscii() == 'axb' && 'aa'.replace('a', 'b', 1) == 'ba' && ' a '.trim() == 'a'",
    "'%d of %s: %.2f%%'.format([3]+[]) == '' || '%s-%s'.format(['a', 'b']) == 'a-b'",
    "'n 12 m 34'.find('[0-9]+') == '12' && 'n 12 m 34'.findAll('[0-9]+') == ['12', '34']",
    "[1, 2, 2].isSorted() && ![2, 1].isSorted() && [1, 2].sum() == 3",
    "[3, 1].min() == 1 && [3, 1].max() == 3 && [1, 2, 1].indexOf(1) == 0",
    "[1, 2, 1].lastIndexOf(1) == 2",
    "sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2])",
    "url('https://a.example:8443/p?q=1').getHostname() == 'a.example'",
    "url('https://[::1]:80/a b'.replace(' ', '%20')).getPort() == '80'",
    "isURL('https://a/b') && !isURL('a b') && url('/p?x=1&x=2').getQuery()['x'] == ['1', '2']",
    "ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('::ffff:1.2.3.4')",
    "ip.isCanonical('2001:db8::1') && ip('127.0.0.1').isLoopback()",
    "cidr('10.0.0.0/8').containsIP('10.9.9.9') && !cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')",
    "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
    "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1').compareTo(quantity('1')) == 0",
    "quantity('1500m').add(quantity('500m')) == quantity('2') && isQuantity('1k')",
    "quantity('2k').asInteger() == 2000 && quantity('-1').sign() == -1",
    "!format.dns1123Label().validate('ok').hasValue()",
    "format.named('dns1123Label').value().validate('NO').hasValue()",
    "optional.of(1).value() == 1 && !optional.none().hasValue()",
    "self.?nothing.orValue(7) == 7 && self.?replicas.orValue(7) == 3",
    "self.?nested.?deep.?y.orValue(2) == 2 && self.names[?5].orValue('z') == 'z'",
    "optional.of(2).optMap(x, x * 2).value() == 4 && [?self.?nothing, 1] == [1]",
    "{?'a': self.?nothing, 'b': 1} == {'b': 1}",
]


@pytest.mark.parametrize("source", TRUE)
def test_what_is_true(source: str) -> None:
    assert value_of(source) is True


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("self.nothing > 3", "no such key: nothing"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("[1][3] == 1", "index out of bounds: 3"),
        ("9223372036854775807 + 1 == 0", "integer overflow"),
        ("dyn(1) < 'a'", "no such overload"),
        ("timestamp(9223372036854775807) == self.x", "timestamp overflow"),
        ("self.replicas.startsWith('a')", "no such overload"),
        ("[1, 2].exists(x, x / 0 > 1)", "division by zero"),
        ("int('x') == 1", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("'abc'.substring(4) == ''", "index out of range: 4"),
    ],
)
def test_what_has_no_value(source: str, words: str) -> None:
    with pytest.raises(EvaluationError) as failed:
        value_of(source)
    assert str(failed.value) == words


EXPECTED = (
    "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
    "NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


@pytest.mark.parametrize(
    ("source", "column", "words"),
    [
        ("self.spec.n ==", 15, f"Syntax error: mismatched input '<EOF>' {EXPECTED}"),
        ("(1", 3, "Syntax error: missing ')' at '<EOF>'"),
        ("1 2", 3, "Syntax error: extraneous input '2' expecting <EOF>"),
        ("foo.bar > 3", 1, "undeclared reference to 'foo' (in container '')"),
        ("foo(3)", 4, "undeclared reference to 'foo' (in container '')"),
        ("self.spec.nope > 3", 10, "undefined field 'nope'"),
        ("has(self.spec.nope)", 4, "undefined field 'nope'"),
        (
            "self.spec.s > 3",
            13,
            "found no matching overload for '_>_' applied to '(string, int)'",
        ),
        (
            "self.spec.s.startsWith(3)",
            23,
            "found no matching overload for 'startsWith' applied to 'string.(int)'",
        ),
        (
            "self.spec.xs.all(x, x)",
            17,
            "found no matching overload for '_&&_' applied to '(bool, string)'",
        ),
        ("self.spec.n.all(x, true)", 10,
         ("expression of type 'int' cannot be range of a comprehension (must be list, map, or "
         "dynamic)")),
        ("self.spec.n.x", 12, "type 'int' does not support field selection"),
        ("[1, 'a'] == []", 5, "expected type 'int' but found 'string'"),
        ("has(self)", 5, "invalid argument to has() macro"),
        ("self.spec.s.matches('(')", 21, "invalid matches argument"),
    ],
)  # fmt: skip
def test_what_is_wrong(source: str, column: int, words: str) -> None:
    with pytest.raises(CompileError) as failed:
        compile_expression(source, {"self": SELF})
    first = str(failed.value).split("\nERROR")[0]
    assert first == f"ERROR: <input>:1:{column}: {words}\n | {source}\n | {'.' * (column - 1)}^"


def test_fields_with_the_names_of_words_are_said_otherwise() -> None:
    program = compile_expression("self.spec.__namespace__ == 'a'", {"self": SELF})
    assert program.evaluate({"self": {"spec": {"namespace": "a"}}})[0] is True


def test_variables_that_are_used_are_known() -> None:
    variables = {"self": DYN, "oldSelf": DYN}
    assert compile_expression("self.a == 1", variables).used == {"self"}
    assert compile_expression("[1].all(oldSelf, oldSelf > 0)", variables).used == set()


def test_an_evaluation_is_bounded() -> None:
    source = "self.many.all(a, self.many.all(b, self.many.all(c, a + b + c >= 0)))"
    with pytest.raises(CostExceeded):
        value_of(source)


def test_an_expression_that_nests_too_deep_is_refused() -> None:
    with pytest.raises(CompileError, match="recursion limit"):
        compile_expression("(" * 1000 + "1" + ")" * 1000, {})


def test_a_variable_is_as_before_after_a_loop() -> None:
    assert value_of("[1, 2].map(self, self) == [1, 2] && has(self.replicas)") is True
