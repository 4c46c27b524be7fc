"""From the text of a filter or of an order to its tree.

    filter    := term (OR term)*
    term      := factor (AND factor)*
    factor    := NOT factor | "(" filter ")" | condition
    condition := name operator value | name [NOT] IN "(" value, … ")" | name [NOT] IN period
               | name [NOT] BETWEEN value AND value | name IS [NOT] NULL
    name      := [type "."] key        the key bare, `in backticks` or "in double quotes"; without a type an attribute
               | reading "(" [type "."] key ")"
    operator  := = | != | < | <= | > | >= | [NOT] LIKE | [NOT] ILIKE | [NOT] RLIKE
    value     := 'text' or "text"; for a field that is a number: a number; for a time also a text such as '2026-11-20'
    reading   := best | min | max | first | last | mean | count     of a metric
               | number                                              of a parameter, whose value is a text otherwise

A parameter that is compared with a number without quotes is compared as a number. RLIKE finds a regular expression of
RE2's syntax anywhere in the text. Words are read in any letter case, keys are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autotrack.exceptions import AutotrackException
from autotrack.store.search import regex
from autotrack.store.search.moments import moment, seconds
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
    Reading,
    Unit,
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


def parse_field(text: str, vocabulary: Vocabulary) -> Field:
    """The field of ``metrics.loss``, ``best(loss)`` or ``duration``, as a filter has them on the left."""
    return _Parser(text, vocabulary, "field").whole_field()


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

    def whole_field(self) -> Field:
        field = self._field()
        if self._peek().sort is not Sort.END:
            raise self._wrong("expected the end")
        return field

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
        negated = token.is_word("NOT")
        if negated:
            token = self._take()
        if token.is_word("IN"):
            if self._peek().sort is not Sort.OPEN and field.unit is Unit.MOMENT:
                return self._compare(field, Operator.NOT_EQUAL if negated else Operator.EQUAL)
            return Among(*self._values(field), negated)
        if token.is_word("BETWEEN"):
            return self._between(field, negated=negated)
        return self._compare(field, self._operator(field, token, negated=negated))

    def _compare(self, field: Field, operator: Operator) -> Condition:
        if field.unit is Unit.MOMENT and _is_text(self._peek()):
            return self._in_time(field, operator)
        if self._as_number(field):
            field = replace(field, numeric=True, reading=Reading.NUMBER)
        if operator not in (NUMBER_OPERATORS if field.numeric else TEXT_OPERATORS):
            raise self._unfit(field, operator)
        at = self._peek().at
        value = self._value(field)
        if operator in (Operator.RLIKE, Operator.NOT_RLIKE) and (problem := regex.problem(str(value))):
            raise invalid(self._what, self._text, at, problem)
        return Compare(field, operator, value)

    def _between(self, field: Field, *, negated: bool) -> Condition:
        low = self._compare(field, Operator.GREATER_OR_EQUAL)
        if not self._word_if("AND"):
            raise self._wrong("expected AND and the upper end")
        both = AllOf((low, self._compare(field, Operator.LESS_OR_EQUAL)))
        return AllOf((Present(field), Not(both))) if negated else both

    def _in_time(self, field: Field, operator: Operator) -> Condition:
        found = moment(self._peek().value)
        if found is None:
            raise self._wrong(f"{field} is {Unit.MOMENT.value}")
        if operator not in NUMBER_OPERATORS:
            raise self._unfit(field, operator)
        self._take()
        start, end = found
        if end == start:
            return Compare(field, operator, start)
        inside = AllOf((Compare(field, Operator.GREATER_OR_EQUAL, start), Compare(field, Operator.LESS, end)))
        match operator:
            case Operator.EQUAL:
                return inside
            case Operator.NOT_EQUAL:
                return AllOf((Present(field), Not(inside)))
            case Operator.LESS | Operator.GREATER_OR_EQUAL:
                return Compare(field, operator, start)
            case Operator.LESS_OR_EQUAL:
                return Compare(field, Operator.LESS, end)
        return Compare(field, Operator.GREATER_OR_EQUAL, end)

    def _as_number(self, field: Field) -> bool:
        """Whether a parameter is compared with a number, so that its text is read as one."""
        token = self._peek()
        number = token.sort is Sort.NUMBER or (token.sort is Sort.NAME and token.text.lower() in _NOT_FINITE)
        return field.kind is Kind.PARAM and self._vocabulary.summaries and number

    def _operator(self, field: Field, token: Token, *, negated: bool) -> Operator:
        name = f"NOT {token.text}" if negated else token.text
        for operator in Operator:
            if name.upper() == operator.value and (token.sort is Sort.OPERATOR or not token.quoted):
                return operator
        expected = "IN, BETWEEN, LIKE, ILIKE or RLIKE after NOT" if negated else f"a comparison after {field}"
        raise invalid(self._what, self._text, token.at, f"expected {expected}, found {_shown(token)}")

    def _unfit(self, field: Field, operator: Operator) -> AutotrackException:
        kind, allowed = ("a number", NUMBER_OPERATORS) if field.numeric else ("a text", TEXT_OPERATORS)
        names = " ".join(one.value for one in allowed)
        at = self._tokens[self._next - 1].at
        problem = f"{field} is {kind} and is compared by {names}, not {operator.value}"
        return invalid(self._what, self._text, at, problem)

    def _values(self, field: Field) -> tuple[Field, tuple[str | int | float, ...]]:
        if self._take().sort is not Sort.OPEN:
            self._next -= 1
            raise self._wrong("expected ( and a list of values")
        if self._as_number(field):
            field = replace(field, numeric=True, reading=Reading.NUMBER)
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
        return field, tuple(values)

    def _value(self, field: Field) -> str | int | float:
        token = self._peek()
        if not field.numeric:
            if _is_text(token):
                self._take()
                return token.value
            raise self._wrong(f"{field} is a text, so its value is quoted, as in 'abc'")
        if token.sort is Sort.NUMBER:
            self._take()
            return _number(token.text)
        if token.sort is Sort.NAME and token.text.lower() in _NOT_FINITE:
            self._take()
            return float(token.text)
        if field.unit is Unit.SECONDS and _is_text(token) and (length := seconds(token.value)) is not None:
            self._take()
            return length
        if field.unit is not None:
            raise self._wrong(f"{field} is {field.unit.value}")
        raise self._wrong(f"{field} is a number, so its value is one without quotes, as in 0.5")

    def _field(self) -> Field:
        token = self._peek()
        if token.sort is not Sort.NAME:
            raise self._wrong("expected a field, such as metrics.loss, params.`my key` or status")
        following = self._tokens[self._next + 1]
        if len(token.parts) == 1 and not token.quoted and following.sort is Sort.OPEN:
            return self._reading(token)
        found = self._vocabulary.field(token.parts)
        if isinstance(found, str):
            raise invalid(self._what, self._text, token.at, found)
        self._take()
        return found

    def _reading(self, token: Token) -> Field:
        """``best(loss)``: the key alone means a metric, as only metrics have such readings."""
        reading = next((one for one in Reading if one.value == token.text.lower()), None)
        if reading is None or not self._vocabulary.summaries:
            names = ", ".join(one.value for one in Reading)
            about = f"expected one of {names}" if self._vocabulary.summaries else "expected a field"
            raise invalid(self._what, self._text, token.at, f"{about} before (, found {_shown(token)}")
        kind = Kind.PARAM if reading is Reading.NUMBER else Kind.METRIC
        self._take()
        self._take()
        inner = self._take()
        if inner.sort is not Sort.NAME:
            raise invalid(self._what, self._text, inner.at, f"expected a key in {token.text}(…)")
        found: Field | str = ""
        if len(inner.parts) == 2:
            found = self._vocabulary.field(inner.parts)
        if isinstance(found, str):
            found = Field(kind, inner.parts[0] if inner.quoted and len(inner.parts) == 1 else inner.text, numeric=True)
        if found.kind is not kind:
            raise invalid(self._what, self._text, inner.at, f"{token.text}(…) is of {kind.value}, not of {found}")
        if self._take().sort is not Sort.CLOSE:
            self._next -= 1
            raise self._wrong(f"expected ) after the key of {token.text}(…)")
        return replace(found, numeric=True, reading=reading)

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


NUMBER_OPERATORS = (
    Operator.EQUAL,
    Operator.NOT_EQUAL,
    Operator.LESS,
    Operator.LESS_OR_EQUAL,
    Operator.GREATER,
    Operator.GREATER_OR_EQUAL,
)
TEXT_OPERATORS = tuple(one for one in Operator if one not in NUMBER_OPERATORS[2:])


def _is_text(token: Token) -> bool:
    return token.sort is Sort.TEXT or (token.sort is Sort.NAME and token.text.startswith('"') and token.quoted)


def _shown(token: Token) -> str:
    return "the end" if token.sort is Sort.END else token.text[:60]


def _number(text: str) -> int | float:
    value = float(text)
    if not any(character in text for character in ".eE") and abs(value) < 2**62:
        return int(text)
    return value
