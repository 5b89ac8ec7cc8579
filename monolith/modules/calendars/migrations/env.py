from monolith.shared.database.migrate import run_migrations

run_migrations()
