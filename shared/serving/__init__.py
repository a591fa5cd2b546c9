"""gunicorn's workers, made to answer in problems and to wait for nobody endlessly.

Nothing here may import Django or REST framework at its top: gunicorn imports it before the gevent
worker has patched the standard library.
"""
