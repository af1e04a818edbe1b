"""Plan how the records of a file become rows of a table: which records are read, and what fills each column.

The plan needs only the header of the file. It is SQL over the cells as text, so that its rows are typed, classified and accounted
for like those of any other file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipeline.config.configuration import Candidate, Input, Reshaping
from pipeline.database.connection import quoted
from pipeline.ingest.adapters import paths
from pipeline.ingest.adapters.paths import JsonPath
from pipeline.ingest.adapters.stage_columns import find_stage_columns
from pipeline.ingest.refusal import FileRefusedError, MissingColumnsError
from pipeline.ingest.rows.columns import BindError, Bound, bind, normalise_header
from pipeline.ingest.rows.typed import clean
from pipeline.waterfall.definition import Condition

CELLS = "landing_cells"
"""The relation that a plan reads: record_number and the needed cells c0, c1 … as text."""


@dataclass(frozen=True)
class Plan:
    """The SQL that turns records into rows, for `typed_select`.

    `needed` are the positions of the columns that it reads; `made` are the names of the columns that it creates, numbered after
    those of the file. `rows` returns record_number, the cells and `broken`, the reason why a record can't be split. `count` returns
    the number of rows before `where` removes any, at least one per record.
    """

    needed: tuple[int, ...]
    made: tuple[str, ...]
    rows: str
    count: str
    remarks: tuple[str, ...] = ()
    footer: str | None = None
    changed: str | None = None
    """The SQL of the column that names the changed field, if the file has one."""
    without_stage_count: str | None = None
    """SQL for the number of rows that `where` removes only because their stage is empty; None if it has no such condition."""


def plan(names: tuple[str, ...], input_: Input) -> tuple[Bound, Plan]:
    """Bind the header `names` and the columns that the plan creates to the table of the input.

    Raises BindError like `bind`, and FileRefusedError if the file lacks a column of `where`, `split` or `stages`.
    """
    assert input_.reshaping is not None, "only a reshaping input has a plan"
    return _Planner(names, input_, input_.reshaping).plan()


@dataclass
class _Planner:
    names: tuple[str, ...]
    input_: Input
    shape: Reshaping
    positions: dict[str, int] = field(default_factory=dict)
    needed: set[int] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)
    json_columns: set[int] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)
    """The created columns that exist only after a record is split into rows."""
    split_into: dict[str, str] = field(default_factory=dict)
    """The normalised header of a split column → the created column with one of its values."""
    spread: str | None = None
    """The SQL of the list whose elements become rows, as `element`."""
    changed: str | None = None
    created: str | None = None
    """The SQL of the creation time of a record."""
    broken: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def plan(self) -> tuple[Bound, Plan]:
        for position, name in enumerate(self.names):
            self.positions.setdefault(normalise_header(name), position)
        columns = self._columns()
        conditions, missing = self._conditions()
        bound = bind((*self.names, *self.made), replace(self.input_, columns=columns))
        if missing:
            raise BindError(missing=missing)
        if not self.shape.keeps_extras:
            kept = {column: position for column, position in bound.extras.items() if column in columns}
            bound = replace(bound, extras=kept)
        self.needed |= {position for position in bound.fields.values() if position < len(self.names)}
        return bound, self._sql(conditions)

    # ---- columns

    def _columns(self) -> dict[str, str]:
        """Return the table column → the header or the created column that fills it."""
        columns: dict[str, str] = {}
        self._split()
        dates = self._stage_dates()
        for column, header in self.input_.columns.items():
            columns[column] = self._fill(header) or header
        for column, candidates in self.shape.names.items():
            if column not in columns and (source := self._first(candidates)) is not None:
                columns[column] = source
        for column, value in self.shape.constants.items():
            columns[column] = self._make(f"constant {column}", quoted(value))
        if self.shape.default_time is not None and "entered_at" not in columns:
            columns["entered_at"] = self._make("date in the name of the file", quoted(self.shape.default_time))
        for column in dates:
            columns[column] = column + " of a date column"
        self._created(columns)
        changed = columns.pop("field", None)
        if changed is not None and normalise_header(changed) in self.positions:
            self.changed = self._cell(changed)
        return columns

    def _first(self, candidates: tuple[Candidate, ...]) -> str | None:
        """Return the first candidate in the file. Consecutive JSON paths are combined: each record may have another one."""
        for number, each in enumerate(candidates):
            if each.beside is None or normalise_header(each.beside) in self.positions:
                source = self._first_path(candidates[number:]) or self._fill(each.header)
                if source is not None:
                    return source
        return None

    def _first_path(self, candidates: tuple[Candidate, ...]) -> str | None:
        """Return a created column for the first path with a value; None unless the candidates begin with two paths."""
        paths_of = [(each.header, self._value_path(each.header)) for each in candidates]
        values = [(header, path) for header, path in paths_of if path is not None]
        if paths_of[0][1] is None or len(values) < 2:
            return None
        for _, path in values:
            self.json_columns.add(path.position)
            self.needed.add(path.position)
        parts = ", ".join(f"json_extract_string(json{path.position}, {quoted(path.inner)})" for _, path in values)
        return self._make(values[0][0], f"coalesce({parts})")

    def _value_path(self, written: str) -> JsonPath | None:
        """Return the path to a single value; None for a header or a path through a list."""
        name = normalise_header(written)
        if name in self.split_into or name in self.positions:
            return None
        path = paths.find_path(written, self.positions, self.shape.json)
        return path if path is None or path.each is None else None

    def _fill(self, header: str) -> str | None:
        """Return the header or created column for a configured header or path; None if the file has neither."""
        name = normalise_header(header)
        if name in self.split_into:
            return self.split_into[name]
        if name in self.positions:
            return self.names[self.positions[name]]
        path = paths.find_path(header, self.positions, self.shape.json)
        return None if path is None else self._json(header, path)

    def _json(self, written: str, path: JsonPath) -> str:
        self.json_columns.add(path.position)
        self.needed.add(path.position)
        text = f"json{path.position}"
        if path.each is None:
            return self._make(written, f"json_extract_string({text}, {quoted(path.inner)})")
        spread = f"json_extract({text}, {quoted(path.inner + '[*]')})"
        if self.spread not in (None, spread):
            raise FileRefusedError(
                f"`{written}` goes through another list than the columns before it",
                "take the columns of one input from one list; write a second input for the other",
            )
        self.spread = spread
        return self._make(written, f"json_extract_string(element, {quoted(path.each)})", is_element=True)

    def _make(self, name: str, sql: str, *, is_element: bool = False) -> str:
        self.made.setdefault(name, sql)
        if is_element:
            self.elements.add(name)
        return name

    def _split(self) -> None:
        split = self.shape.split
        if split is None:
            return
        split_positions = [
            self.positions[name] for name in map(normalise_header, split.columns) if name in self.positions
        ]
        if not split_positions:
            raise BindError(missing=split.columns)
        by = quoted(split.by)
        lists = []
        for number, position in enumerate(split_positions):
            self.needed.add(position)
            values = (
                f"list_transform(string_split(coalesce(c{position}, ''), {by}), lambda each: trim(each, {_SPACES}))"
            )
            lists.append(f"list_filter({values}, lambda each: each <> '')" if len(split_positions) == 1 else values)
            name = self._make(f"each {self.names[position]}", f"element['v{number}']", is_element=True)
            self.split_into[normalise_header(self.names[position])] = name
        if len(split_positions) > 1:
            lengths = [f"len({each})" for each in lists]
            uneven = " or ".join(f"{lengths[0]} <> {each}" for each in lengths[1:])
            self.broken.append(f"when {uneven} then 'uneven_lists'")
        names = ", ".join(f"'v{number}': value[{number + 1}]" for number in range(len(lists)))
        zipped = f"list_zip({', '.join(lists)})" if len(lists) > 1 else f"list_transform({lists[0]}, lambda one: [one])"
        self.spread = f"list_transform({zipped}, lambda value: {{{names}}})"

    def _stage_dates(self) -> tuple[str, ...]:
        dates = self.shape.stage_dates
        if dates is None:
            return ()
        columns, remarks = find_stage_columns(dates, self.names, self.positions)
        self.remarks += remarks
        if not columns and len(self.names) == 1:
            raise BindError(missing=("lead_id", "entered_at"))
        if not columns and remarks:
            raise FileRefusedError(
                remarks[0], "correct `stages` of this input, or give the stages these names as `aliases`"
            )
        if not columns:
            patterns = ", ".join(f"`{pattern}`" for pattern in dates.patterns)
            raise MissingColumnsError(
                f"no header looks like the date of a stage ({patterns}); found {self._headers()}",
                'write `stages` in this [[inputs]] block, as a pattern "* on" or with names: { mql = "Became MQL" }',
            )
        cells = []
        for stage, position in columns:
            self.needed.add(position)
            cell = clean(f"c{position}", self.input_.null_values)
            cells.append(f"{{'stage': {quoted(stage)}, 'at': {cell}}}")
        self.spread = f"list_filter([{', '.join(cells)}], lambda each: each.at is not null)"
        self._make("stage of a date column", "element.stage", is_element=True)
        self._make("entered_at of a date column", "element.at", is_element=True)
        return ("stage", "entered_at")

    def _created(self, columns: dict[str, str]) -> None:
        """Fill `record_created_at` from the row that records the creation."""
        if not self.shape.created or "record_created_at" in columns:
            return
        headers = [columns.get(name, name) for name in ("field", "entered_at", "lead_id")]
        if any(normalise_header(header) not in self.positions for header in headers):
            return
        changed, at, lead = (self._cell(header) for header in headers)
        values = ", ".join(quoted(value.lower()) for value in self.shape.created)
        columns["record_created_at"] = self._make("time of the row of creation", "record_created_text")
        self.created = f"max({at}) filter (where lower({changed}) in ({values})) over (partition by {lead})"

    # ---- where

    def _conditions(self) -> tuple[list[_RowCondition], tuple[str, ...]]:
        """Return the conditions as SQL, and the table columns that they need and the file lacks."""
        conditions: list[_RowCondition] = []
        missing = []
        for each in self.shape.where:
            column = self._condition_column(each.condition.column)
            if column is not None:
                conditions.append(self._condition(each.condition, column))
            elif each.is_optional and each.condition.column not in self.input_.columns:
                continue
            elif each.condition.column in self.shape.names:
                missing.append(each.condition.column)
            else:
                raise MissingColumnsError(
                    f"`where` asks for a column `{each.condition.column}`, which is not in the file; "
                    f"found {self._headers()}",
                    "correct `column` in `where` of this input",
                )
        return conditions, tuple(missing)

    def _headers(self) -> str:
        return ", ".join(f"`{name}`" for name in self.names[:30])

    def _condition_column(self, column: str) -> str | None:
        written = self.input_.columns.get(column)
        if written is not None:
            return self._fill(written)
        candidates = self.shape.names.get(column, ())
        return self._first(candidates) or self._fill(column)

    def _condition(self, condition: Condition, column: str) -> _RowCondition:
        value = clean(self._cell(column), self.input_.null_values)
        listed = ", ".join(quoted(text) for text in condition.values)
        holds = {
            "is_null": f"{value} is null",
            "one_of": f"coalesce({value} in ({listed}), false)",
            "matches": f"coalesce(regexp_matches({value}, {listed}), false)",
        }[condition.ask]
        holds = f"not ({holds})" if condition.is_negated else holds
        asks_for_stage = condition.column == "stage" and condition.ask == "is_null" and condition.is_negated
        # A record with broken JSON is rejected, not filtered, because the condition can't be tested.
        if normalise_header(column) not in self.positions:
            holds = f"(broken is not null or {holds})"
        return _RowCondition(
            holds, column in self.elements, f"broken is null and {value} is null" if asks_for_stage else None
        )

    def _cell(self, name: str) -> str:
        """Return the SQL for the value of a header or of a created column."""
        if name in self.made:
            return f"({self.made[name]})"
        position = self.positions[normalise_header(name)]
        self.needed.add(position)
        return f"c{position}"

    # ---- SQL

    def _sql(self, conditions: list[_RowCondition]) -> Plan:
        needed = sorted(self.needed)
        jsons = []
        broken = list(self.broken)
        for position in sorted(self.json_columns):
            cell = clean(f"c{position}", self.input_.null_values)
            jsons.append(f"case when json_valid(c{position}) then c{position} end as json{position}")
            broken.append(f"when {cell} is not null and json{position} is null then 'cell_not_json'")
        created = [] if self.created is None else [f"{self.created} as record_created_text"]
        source = f"(select *{''.join(f', {each}' for each in (*jsons, *created))} from {CELLS})"
        why = f"case {' '.join(broken)} end" if broken else "null::varchar"
        source = f"(select *, {why} as broken from {source})"
        spread = None if self.spread is None else f"case when broken is not null then [null] else {self.spread} end"
        count = f"select count(*) from {CELLS}"
        if spread is not None:
            count = (
                f"select (select count(*) from {CELLS}) - count(*) "
                f"+ coalesce(sum(greatest(1, coalesce(len({spread}), 0))), 0)::bigint "
                f"from {_matching_rows(source, None, conditions)}"
            )
        chosen = _matching_rows(source, spread, conditions)
        without_stage_count = None
        if any(each.is_empty is not None for each in conditions):
            others = [replace(each, holds=each.is_empty or each.holds) for each in conditions]
            without_stage_count = f"select count(*) from {_matching_rows(source, spread, others)}"
        offset = len(self.names)
        cells = [f"c{position}" for position in needed]
        cells += [f"{sql} as c{offset + number}" for number, sql in enumerate(self.made.values())]
        # A window function loses the order of the file; filter and unnest keep it.
        order = " order by record_number" if self.created is not None else ""
        rows = f"(select record_number, {', '.join((*cells, 'broken'))} from {chosen}{order})"
        return Plan(
            tuple(needed),
            tuple(self.made),
            rows,
            count,
            tuple(self.remarks),
            self.shape.footer,
            self.changed,
            without_stage_count,
        )


@dataclass(frozen=True)
class _RowCondition:
    """A condition as SQL, and whether it can be tested only after a record is split into rows.

    `is_empty` is the SQL for the rows that a condition "stage is not null" removes.
    """

    holds: str
    is_of_element: bool
    is_empty: str | None = None


def _matching_rows(source: str, spread: str | None, conditions: list[_RowCondition]) -> str:
    """Return SQL for the records of `source` that fulfil the conditions, unnested by the list `spread` if it is set."""
    first = [each.holds for each in conditions if not each.is_of_element]
    last = [each.holds for each in conditions if each.is_of_element]
    records = f"(from {source} where {' and '.join(first) or 'true'})"
    if spread is None:
        return records
    return f"(from (select *, unnest({spread}) as element from {records}) where {' and '.join(last) or 'true'})"


_SPACES = "' ' || chr(9) || chr(10) || chr(13)"
