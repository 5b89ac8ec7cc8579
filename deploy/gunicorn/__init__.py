"""How gunicorn serves the two webs: `gunicorn -c deploy/gunicorn/monolith.py monolith.wsgi:app`."""
