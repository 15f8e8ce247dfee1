"""CEL, the expressions of schemas and admission policies: parse, check, evaluate. Pure.

An own one, because the libraries there are don't do what Kubernetes promises (measured when this
was written): cel-expr-python, 50 MB installed, has no opaque values (``quantity()``, ``url()``,
``ip()``) and stops at 10,000 iterations; common-expression-language doesn't check types and costs
340 ms and 30 MB to import; cel-python has no types either, takes seven more packages, and 3 ms for
an expression that takes 0.03 ms here.

`program.compile_expression` is the way in. Source of the rules: cel-spec's langdef.md, cel-go's
texts, and Kubernetes' libraries (apiserver/pkg/cel).
"""
