"""
Measures this service side by side with other systems that do the same work.

``make bench`` measures all of it, ``make bench-gate`` counts instructions and compares them with
``bounds.py``. Each system runs in an environment of its own, pinned in ``requirements/``.
"""
