"""
Refresh-token rotation, tested from outside: a program that speaks only HTTP to a running system.

``cases`` says what is tested, ``system`` how a system is run and called, ``adapters`` what differs
between systems. ``make conformance`` runs every case against every system and prints a matrix. With
``MUTANTS=1`` it removes one guard of authapi at a time instead, and prints which cases notice. Another
system needs one more ``Adapter``.
"""
