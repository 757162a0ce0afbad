SELECT node.*
FROM ref.node AS node
WHERE EXISTS (
    SELECT 1
    FROM published.round AS round
    WHERE round.programme = node.programme AND round.method_version = node.method_version
)
