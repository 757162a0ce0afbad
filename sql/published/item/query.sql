SELECT item.*
FROM ref.item AS item
WHERE EXISTS (
    SELECT 1
    FROM published.round AS round
    WHERE round.programme = item.programme AND round.method_version = item.method_version
)
