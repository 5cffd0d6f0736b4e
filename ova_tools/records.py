"""Records: the part of `dataclasses` that is used here, at a lower cost.

Every client connection of an iRODS server is a new process, so the first event of each pays for the imports of the
rules. `dataclasses` imports `inspect`, and writes and compiles the source of five methods for each class; that took
more than half of the first event (docs/decisions/0012-imports.md). Here the methods are closures.

For a type checker these are the names of `dataclasses` itself. Not offered: slots, `__post_init__`, `ClassVar`,
keyword-only fields.
"""

from __future__ import annotations

__all__ = ("asdict", "dataclass", "field", "replace")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import asdict, dataclass, field, replace
else:
    _NOTHING = object()

    class _Field:
        """The declaration of a field in the class body."""

        __slots__ = ("compare", "default", "factory", "hash", "repr")

        def __init__(self, default, factory, repr, compare, hash):
            self.default, self.factory = default, factory
            self.repr, self.compare, self.hash = repr, compare, compare if hash is None else hash

    def field(*, default=_NOTHING, default_factory=None, repr=True, compare=True, hash=None):
        """Declares a field, with the arguments of `dataclasses.field` that are used here."""
        return _Field(default, default_factory, repr, compare, hash)

    def dataclass(cls=None, *, frozen=False, order=False):
        """Gives a class the methods of a record; its annotations are the fields, after those of its bases."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, order=order)
        fields = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(vars(base).get("_record_fields", {}))
        for name in vars(cls).get("__annotations__") or cls.__annotations__:
            value = vars(cls).get(name, _NOTHING)
            fields[name] = value if isinstance(value, _Field) else field(default=value)
            if isinstance(value, _Field):
                if value.default is _NOTHING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, value.default)
        cls._record_fields = fields
        cls.__match_args__ = tuple(fields)
        methods = [_init(fields), _repr(fields), _eq(fields)]
        if order:
            methods += _order(fields)
        if frozen:
            methods += [_hash(fields), _refuse("__setattr__", "assign to"), _refuse("__delattr__", "delete")]
        else:
            cls.__hash__ = None
        for method in methods:
            method.__qualname__ = f"{cls.__qualname__}.{method.__name__}"
            setattr(cls, method.__name__, method)
        return cls

    def replace(record, **changes):
        """A record of the same class with other values in some fields."""
        return type(record)(**{name: getattr(record, name) for name in record._record_fields} | changes)

    def asdict(record):
        """The values of a record's fields by name; the values are not copied."""
        return {name: getattr(record, name) for name in record._record_fields}

    def _init(fields):
        names = tuple(fields)
        rest = {name: each for name, each in fields.items() if each.default is not _NOTHING or each.factory}
        put = object.__setattr__  # one by one in a fixed order: then records of a class share the table of their names

        def __init__(self, *values, **named):  # noqa: N807
            given = dict(zip(names, values))
            if len(values) > len(names) or not given.keys().isdisjoint(named) or not named.keys() <= fields.keys():
                raise TypeError(f"{type(self).__name__} takes each of {', '.join(names)} once at most")
            given.update(named)
            if len(given) < len(names):
                for name, each in rest.items():
                    if name not in given:
                        given[name] = each.factory() if each.factory else each.default
                if len(given) < len(names):
                    missing = [name for name in names if name not in given]
                    raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
            for name in names:
                put(self, name, given[name])

        return __init__

    def _values(fields, wanted):
        names = tuple(name for name, each in fields.items() if wanted(each))
        return lambda record: tuple([getattr(record, name) for name in names])

    def _repr(fields):
        names = [name for name, each in fields.items() if each.repr]

        def __repr__(self):  # noqa: N807
            return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

        return __repr__

    def _eq(fields):
        values = _values(fields, lambda each: each.compare)

        def __eq__(self, other):  # noqa: N807
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        return __eq__

    def _hash(fields):
        values = _values(fields, lambda each: each.hash)

        def __hash__(self):  # noqa: N807
            return hash(values(self))

        return __hash__

    def _order(fields):
        values = _values(fields, lambda each: each.compare)

        def method(name):
            def compare(self, other):
                if other.__class__ is not self.__class__:
                    return NotImplemented
                return getattr(values(self), name)(values(other))

            compare.__name__ = name
            return compare

        return [method(name) for name in ("__lt__", "__le__", "__gt__", "__ge__")]

    def _refuse(name, verb):
        def refuse(self, field, *value):
            raise AttributeError(f"cannot {verb} field {field!r} of {type(self).__name__}, which is frozen")

        refuse.__name__ = name
        return refuse
