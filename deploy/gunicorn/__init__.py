"""Gunicorn settings of both web processes: `gunicorn -c deploy/gunicorn/monolith.py monolith.wsgi:app`."""
