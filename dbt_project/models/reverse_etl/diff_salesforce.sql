-- One row per operation that the next push makes in Salesforce: exactly what will be written, and why.
select operations.* exclude (target)
from {{ ref('int_operations') }} as operations
anti join {{ ref('int_operations_waiting') }} as waiting on operations.operation_id = waiting.operation_id
where operations.target = 'salesforce'
