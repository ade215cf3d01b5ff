"""Nova's side: runs in a virtual environment that has nova, and imports nothing of ours.

Every class and function that decides is Nova's own. What Nova reads from its databases, from Neutron and from Placement
is put in its place from the case.
"""
