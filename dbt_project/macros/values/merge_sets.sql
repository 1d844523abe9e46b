{#
    Two multi-selects merged against what both held before: additions of both, minus removals of either.
    base a;b , left a;b;c , right b;d  ->  b;c;d
#}
{% macro merge_sets(base, left, right) -%}
    {%- set before = "coalesce(string_split(" ~ canonical_set(base) ~ ", ';'), [])" -%}
    {%- set ours = "coalesce(string_split(" ~ canonical_set(left) ~ ", ';'), [])" -%}
    {%- set theirs = "coalesce(string_split(" ~ canonical_set(right) ~ ", ';'), [])" -%}
    nullif(
        array_to_string(
            list_sort(list_distinct(list_concat(
                list_filter({{ ours }}, lambda item: not list_contains({{ before }}, item)),
                list_filter({{ theirs }}, lambda item: not list_contains({{ before }}, item)),
                list_intersect(list_intersect({{ before }}, {{ ours }}), {{ theirs }})
            ))),
            ';'
        ),
        ''
    )
{%- endmacro %}
