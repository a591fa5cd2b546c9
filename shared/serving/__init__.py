"""How gunicorn serves both services: one worker class, which gives every wait for a client a bound.

Nothing here may import Django or REST framework at its top: gunicorn imports it before the gevent
worker has patched the standard library.
"""
