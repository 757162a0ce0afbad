SELECT choice.*
FROM ref.choice AS choice
WHERE EXISTS (
    SELECT 1
    FROM published.round AS round
    WHERE round.programme = choice.programme AND round.method_version = choice.method_version
)
