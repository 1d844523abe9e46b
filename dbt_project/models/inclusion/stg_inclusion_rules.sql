-- One row per inclusion rule, its values as a list in lower case.
select
    object,
    side,
    {{ given('rule_group', "'1'") }} as rule_group,
    trim(property) as property,
    operator,
    value,
    list_transform(string_split(lower(value), ';'), lambda item: trim(item)) as items
from {{ ref('inclusion_rules') }}
