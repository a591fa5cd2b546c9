"""`make cluster`: everything several times on one machine, with what lets it fail over."""
