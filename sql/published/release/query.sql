-- COLLATE "C": ties are broken by bytes on either engine, whatever the locale of the database.
SELECT release_id, round_id, programme, state, frozen_at, manifest_sha256, revision_of
FROM (
    SELECT
        release.*,
        ROW_NUMBER() OVER (PARTITION BY round_id ORDER BY frozen_at DESC, release_id COLLATE "C" DESC) AS place
    FROM ops.release AS release
    WHERE state = 'PUBLISHED'
) AS placed
WHERE place = 1
