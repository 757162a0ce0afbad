SELECT method.*
FROM ref.method AS method
WHERE EXISTS (
    SELECT 1
    FROM published.round AS round
    WHERE round.programme = method.programme AND round.method_version = method.method_version
)
