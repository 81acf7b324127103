"""What looks wrong in the books, why, and how sure that is: facts in, findings out.

A finding accuses nobody: it says which signed entries do not fit, and leaves the judgement to a person.
"""
