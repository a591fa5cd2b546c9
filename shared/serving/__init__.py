"""How gunicorn serves both services: one worker class, which bounds every wait for a client.

Nothing here may import Django or REST framework at module level: gunicorn imports it before the
gevent worker has patched the standard library.
"""
