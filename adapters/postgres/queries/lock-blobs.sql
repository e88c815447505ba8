SELECT blob_id, owner_id, channel_id, ended_at_ms FROM blob WHERE blob_id = ANY($1::uuid[]) ORDER BY blob_id FOR UPDATE
