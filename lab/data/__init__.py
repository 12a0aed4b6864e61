"""The world a lesson runs in: models, a database, deterministic data, files to send and receive."""
