SELECT min(due_at_ms) AS due_at_ms FROM blob WHERE deleted_at_ms IS NULL AND due_at_ms > $1 AND due_at_ms <= $2
