"""Doorstep's own routing engine: ruin and recreate on compiled arrays, for whole days and for the live plan.

`engine.solve` plans a problem, `resident.Resident` keeps a plan in memory and answers in microseconds what one more
stop would cost. The method is slack induction by string removals (Christiaens and Vanden Berghe, "Slack induction by
string removals for vehicle routing problems", Transportation Science, 2020). The kernels are compiled at set-up.
"""
