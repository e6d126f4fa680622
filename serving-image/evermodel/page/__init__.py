"""What all pages that Evermodel writes share: markup that cannot be broken out of, charts, tables, one look.

A page is one file: no script, style, font or picture is fetched. Only Python's own library is imported here, so that a
command that writes a page starts quickly.
"""

from evermodel.page.amounts import count, number, percent, score, seconds
from evermodel.page.charts import Series, bar, histogram, scatter, sparkline, stack, trend, whisker
from evermodel.page.document import digest, facts, page, section, sorted_by, table, warning
from evermodel.page.markup import Child, Html, element, join, name, text

__all__ = [
    "Child",
    "Html",
    "Series",
    "bar",
    "count",
    "digest",
    "element",
    "facts",
    "histogram",
    "join",
    "name",
    "number",
    "page",
    "percent",
    "scatter",
    "score",
    "seconds",
    "section",
    "sorted_by",
    "sparkline",
    "stack",
    "table",
    "text",
    "trend",
    "warning",
    "whisker",
]
