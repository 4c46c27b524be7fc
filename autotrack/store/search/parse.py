"""From the text of a filter or of an order to its tree.

    filter    := term (OR term)*
    term      := factor (AND factor)*
    factor    := NOT factor | "(" filter ")" | condition
    condition := name operator value | name [NOT] IN "(" value, … ")" | name IS [NOT] NULL
    name      := [type "."] key        the key bare, `in backticks` or "in double quotes"; without a type an attribute
    value     := 'text' or "text"; for a field that is a number: a number

Words are read in any letter case, keys are not.
"""

from __future__ import annotations

from collections.abc import Iterable

from autotrack.exceptions import AutotrackException
from autotrack.store.search.tokens import Sort, Token, invalid, tokens
from autotrack.store.search.tree import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Condition,
    Field,
    Kind,
    Not,
    Operator,
    Order,
    Present,
)
from autotrack.store.search.vocabulary import Vocabulary

_MOST_CONDITIONS, _MOST_VALUES, _DEEPEST, _MOST_ORDERS = 400, 10_000, 50, 20
_NOT_FINITE = ("nan", "inf", "infinity")


def parse_filter(text: str | None, vocabulary: Vocabulary) -> Condition | None:
    """The tree of a filter, ``None`` for an empty one; an error names the place in the text."""
    if not text or not text.strip():
        return None
    return _Parser(text, vocabulary, "filter").whole_filter()


def parse_orders(terms: Iterable[str] | str | None, vocabulary: Vocabulary) -> tuple[Order, ...]:
    """The fields of ``["metrics.loss ASC", "start_time DESC"]``."""
    terms = [terms] if isinstance(terms, str) else list(terms or ())
    if len(terms) > _MOST_ORDERS:
        raise AutotrackException.invalid(f"order_by has {len(terms)} terms; at most {_MOST_ORDERS} are read")
    return tuple(_Parser(term, vocabulary, "order_by").whole_order() for term in terms)


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary, what: str) -> None:
        self._text = text
        self._what = what
        self._vocabulary = vocabulary
        self._tokens = tokens(text, what)
        self._next = 0
        self._conditions = 0
        self._depth = 0

    def whole_filter(self) -> Condition:
        tree = self._any()
        if self._peek().sort is not Sort.END:
            raise self._wrong("expected AND, OR or the end")
        return tree

    def whole_order(self) -> Order:
        field = self._field()
        if field.kind is Kind.DATASET:
            raise invalid(self._what, self._text, 0, "a run may have several data sets, so they give no order")
        descending = False
        if self._peek().is_word("DESC"):
            descending = True
            self._take()
        elif self._peek().is_word("ASC"):
            self._take()
        if self._peek().sort is not Sort.END:
            raise self._wrong("expected ASC, DESC or the end")
        return Order(field, descending)

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._peek().is_word("OR"):
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._factor()]
        while self._peek().is_word("AND"):
            self._take()
            if self._peek().sort is Sort.END:
                break  # programs that glue filters together leave a last AND, and MLflow lets them
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _factor(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"more than {_DEEPEST} levels of parentheses")
        try:
            if self._peek().is_word("NOT"):
                self._take()
                return Not(self._factor())
            if self._peek().sort is Sort.OPEN:
                self._take()
                inner = self._any()
                if self._peek().sort is not Sort.CLOSE:
                    raise self._wrong("expected AND, OR or )")
                self._take()
                return inner
            return self._condition()
        finally:
            self._depth -= 1

    def _condition(self) -> Condition:
        self._conditions += 1
        if self._conditions > _MOST_CONDITIONS:
            raise self._wrong(f"more than {_MOST_CONDITIONS} conditions")
        field = self._field()
        token = self._take()
        if token.is_word("IS"):
            negated = self._word_if("NOT")
            if not self._word_if("NULL"):
                raise self._wrong("expected NULL")
            return Present(field, negated=not negated)
        if token.is_word("NOT") or token.is_word("IN"):
            negated = token.is_word("NOT")
            if negated and not self._word_if("IN"):
                raise self._wrong("expected IN")
            return Among(field, self._values(field), negated)
        return Compare(field, self._operator(field, token), self._value(field))

    def _operator(self, field: Field, token: Token) -> Operator:
        allowed = _NUMBER_OPERATORS if field.numeric else _TEXT_OPERATORS
        for operator in Operator:
            if token.text.upper() == operator.value and (token.sort is Sort.OPERATOR or not token.quoted):
                if operator in allowed:
                    return operator
                kind = "a number" if field.numeric else "a text"
                names = " ".join(one.value for one in allowed)
                raise invalid(
                    self._what, self._text, token.at, f"{field} is {kind} and is compared by {names}, not {token.text}"
                )
        raise invalid(self._what, self._text, token.at, f"expected a comparison after {field}, found {_shown(token)}")

    def _values(self, field: Field) -> tuple[str | int | float, ...]:
        if self._take().sort is not Sort.OPEN:
            self._next -= 1
            raise self._wrong("expected ( and a list of values")
        values = [self._value(field)]
        while self._peek().sort is Sort.COMMA:
            self._take()
            if self._peek().sort is Sort.CLOSE:
                break  # a tuple of one, as Python writes it
            values.append(self._value(field))
            if len(values) > _MOST_VALUES:
                raise self._wrong(f"more than {_MOST_VALUES} values")
        if self._peek().sort is not Sort.CLOSE:
            raise self._wrong("expected , or )")
        self._take()
        return tuple(values)

    def _value(self, field: Field) -> str | int | float:
        token = self._peek()
        if not field.numeric:
            if token.sort is Sort.TEXT or (token.sort is Sort.NAME and token.text.startswith('"') and token.quoted):
                self._take()
                return token.value
            raise self._wrong(f"{field} is a text, so its value is quoted, as in 'abc'")
        if token.sort is Sort.NUMBER:
            self._take()
            return _number(token.text)
        if token.sort is Sort.NAME and token.text.lower() in _NOT_FINITE:
            self._take()
            return float(token.text)
        raise self._wrong(f"{field} is a number, so its value is one without quotes, as in 0.5")

    def _field(self) -> Field:
        token = self._peek()
        if token.sort is not Sort.NAME:
            raise self._wrong("expected a field, such as metrics.loss, params.`my key` or status")
        found = self._vocabulary.field(token.parts)
        if isinstance(found, str):
            raise invalid(self._what, self._text, token.at, found)
        self._take()
        return found

    def _word_if(self, word: str) -> bool:
        if self._peek().is_word(word):
            self._take()
            return True
        return False

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _wrong(self, problem: str) -> AutotrackException:
        token = self._peek()
        return invalid(self._what, self._text, token.at, f"{problem}, found {_shown(token)}")


_NUMBER_OPERATORS = (
    Operator.EQUAL,
    Operator.NOT_EQUAL,
    Operator.LESS,
    Operator.LESS_OR_EQUAL,
    Operator.GREATER,
    Operator.GREATER_OR_EQUAL,
)
_TEXT_OPERATORS = (Operator.EQUAL, Operator.NOT_EQUAL, Operator.LIKE, Operator.ILIKE)


def _shown(token: Token) -> str:
    return "the end" if token.sort is Sort.END else token.text[:60]


def _number(text: str) -> int | float:
    value = float(text)
    if not any(character in text for character in ".eE") and abs(value) < 2**62:
        return int(text)
    return value
